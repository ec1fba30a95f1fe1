# shellcheck shell=bash
# common.bash - what the tests of builds share.

# ctx: makes an empty context and goes there.
ctx() {
	rm -rf "$T/ctx"
	mkdir "$T/ctx" && cd "$T/ctx" || fail mkdir
}
# build ARGUMENT...: a quiet build of the image i; the Dockerfile is the standard input, unless there is one.
build() {
	[ -e Dockerfile ] || [ -e Containerfile ] || cat >Dockerfile
	run hoy build -q -t i "$@"
}
# listed DIR: what the image i has there: mode, owner, size of links' text, path.
listed() {
	run hoy run --rm --network none i sh -c "cd $1 && find . | sort | while read -r f; do
		if [ -L \"\$f\" ]; then echo \"\$f -> \$(readlink \"\$f\")\"
		else stat -c '%a %u:%g %n' \"\$f\"; fi; done"
	assert_ok
}
# serve: a web server for the files below $T/web; URL is its address.
# shellcheck disable=SC2034
serve() {
	need python3
	mkdir -p "$T/web"
	python3 -B "$(dirname "$(readlink -f "$0")")/../tools/webfiles.py" "$T/web" </dev/null >/dev/null 2>&1 &
	server $!
	for _ in $(seq 100); do [ -e "$T/web/.url" ] && break || sleep 0.05; done
	URL=$(cat "$T/web/.url")
}
