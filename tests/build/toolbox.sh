#!/bin/sh
# Stands in for compilers and package managers, by the name that it is called by: what it makes depends on what it is given alone, and it needs no network.
# shellcheck disable=SC2094
set -e
tool=${0##*/}
say() { echo "$tool: $*"; }
bundle() { # OUT FILE...
	o=$1 && shift
	mkdir -p "$(dirname "$o")"
	{
		echo "#!/bin/sh"
		cat "$@"
	} >"$o"
	chmod 755 "$o"
}
outfile() { # the word behind -o
	o=$1
	while [ $# -gt 0 ]; do
		[ "$1" != -o ] || o=$2
		[ "$1" != -d ] || o=$2
		shift
	done
}
sources() { find "${1:-.}" -type f -name "$2" | sort; }
case $tool in
gcc | cc)
	outfile a.out "$@"
	case "$*" in *-c*) [ "$o" != a.out ] || for w; do case $w in *.c) o=${w%.c}.o ;; esac done ;; esac
	list=''
	for w; do case $w in *.c | *.o) [ "$w" = "$o" ] || list="$list $w" ;; esac done
	bundle "$o" $list
	;;
make)
	target=all
	for w; do case $w in *=*) export "${w%%=*}=${w#*=}" ;; -*) ;; *) target=$w ;; esac done
	sed -n "/^$target:/,/^[^	]/{/^	/p}" Makefile | sh -e
	;;
go)
	case $1 in
	mod) mkdir -p /go/pkg/mod && sed -n 's/^require \([^ ]*\) \(.*\)/\1@\2/p' go.mod >/go/pkg/mod/list ;;
	build) outfile app "$@" && bundle "$o" $(sources . '*.go') ;;
	test) say ok ;;
	install) mkdir -p /go/bin && echo "$2" >/go/bin/tool ;;
	esac
	;;
npm | yarn)
	case $1 in
	ci | install)
		sed -n '/ependencies/,/}/s/.*"\(.*\)": "\([0-9].*\)".*/\1 \2/p' package.json | while read -r n v; do
			mkdir -p "node_modules/$n"
			echo "{\"name\":\"$n\",\"version\":\"$v\"}" >"node_modules/$n/package.json"
		done
		;;
	run | build) bundle dist/bundle.js $(sources src '*.js') ;;
	cache) rm -rf /root/.npm ;;
	prune) : ;;
	esac
	;;
node | ruby) cat "$1" ;;
pip | bundle | composer)
	to=/usr/lib/python3
	list=''
	case $tool in bundle) to=/usr/lib/ruby && list=Gemfile ;; composer) to=vendor && list=composer.txt ;; esac
	while [ $# -gt 0 ]; do
		case $1 in
		-r) list=$2 && shift ;;
		--target | --prefix) to=$2 && shift ;;
		install | -* | .) ;;
		*) mkdir -p "$to" && echo "$1" >"$to/$1" ;;
		esac
		shift
	done
	[ -z "$list" ] || grep -v '^#' "$list" | while read -r n; do mkdir -p "$to" && echo "$n" >"$to/${n%%[=<>~]*}"; done
	;;
python3)
	case "$1 $2" in
	'-m venv') mkdir -p "$3/bin" && ln -s /usr/local/bin/python3 "$3/bin/python" ;;
	'-m compileall') for f in $(sources "$3" '*.py'); do sha256sum <"$f" >"${f}c"; done ;;
	'-c '*) echo "$2" ;;
	*) cat "$1" ;;
	esac
	;;
mvn | gradle | cargo)
	case "$*" in *offline* | *fetch*) mkdir -p /root/.cache/$tool && cat pom.xml build.gradle Cargo.toml 2>/dev/null >/root/.cache/$tool/deps || : ;; esac
	case "$*" in *package* | *build*) bundle "target/app.${EXT:-jar}" $(sources src '*.*') ;; esac
	;;
javac) outfile . "$@" && mkdir -p "$o" && for w; do case $w in *.java) sha256sum <"$w" >"$o/$(basename "$w" .java).class" ;; esac done ;;
jar) tar -cf "$2" "$3" ;;
apt-get | apk | dnf)
	case "$*" in *update*) echo lists >/var/lib/apt/lists/main ;; esac
	case "$*" in *install* | *add*) for p; do case $p in -* | install | add | .*) ;; *)
		mkdir -p /usr/share/doc/$p && echo "$p" >/usr/share/doc/$p/copyright && echo "Package: $p" >>/var/lib/dpkg/status
		;;
	esac done ;; esac
	case "$*" in *clean*) rm -rf /var/lib/apt/lists/* ;; esac
	;;
dpkg) cat /var/lib/dpkg/status ;;
hugo) mkdir -p public && for f in $(sources content '*.md'); do sed 's/^# \(.*\)/<h1>\1<\/h1>/' "$f" >"public/$(basename "$f" .md).html"; done ;;
esac
