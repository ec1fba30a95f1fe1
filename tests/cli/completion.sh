#!/bin/bash
# Completion: what the binary offers, and what the three shells make of it.
# others: rows=user
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"
stubs=$(cd "$(dirname "$0")/../../completions" 2>/dev/null && pwd)

# offers LAST... : the candidates for a command line whose last word is being typed.
offers() { hoy __complete -- "$@" | cut -f1 | tr '\n' ' '; }

test_words() { # short
	assert_eq 'version ' "$(offers ver)"
	assert_eq 'debug info warn error ' "$(offers --log-level '')"
	assert_eq '--log-level=debug ' "$(offers --log-level=d)"
	assert_eq ':dir ' "$(offers --root '')"
	assert_eq '' "$(offers nosuchcommand '')"
	assert_eq '' "$(offers version '')"
	assert_eq 'version ' "$(offers help ver)"
	assert_eq '--format ' "$(offers version --f)"
	assert_eq '' "$(offers version -- --f)"
	case " $(offers '')" in *' image '*) ;; *) fail 'groups are not offered' ;; esac
	case "$(offers '')" in *__*) fail 'internal commands are offered' ;; esac
}

put_on_path() {
	mkdir -p "$HOME/bin"
	ln -sf "$(command -v "${HOY%% *}")" "$HOME/bin/hoy"
	export PATH=$HOME/bin:$PATH
}

# Names of living objects, with their state; images in the form that people type.
test_names() { # short
	hoy run --rm hello >/dev/null || fail 'hoy run hello'
	hoy tag hello docker.io/library/box:1 || fail tag
	hoy create --name sleeper @host true >/dev/null || fail create
	hoy run -d --name runner @host sleep 1000 >/dev/null || fail run
	assert_eq 'box:1 hello:latest ' "$(offers run '' | tr ' ' '\n' | sort | tr '\n' ' ' | sed 's/^ //')"
	assert_eq 'docker.io/library/box:1 ' "$(offers rmi docker)"
	assert_eq 'localhost/hello:latest ' "$(offers rmi local)"
	assert_eq '@host ' "$(offers run --rm -it @h)"
	assert_eq 'runner sleeper ' "$(offers rm '' | tr ' ' '\n' | sort | tr '\n' ' ' | sed 's/^ //')"
	assert_eq 'runner ' "$(offers stop -t 5 '')"
	assert_eq 'sleeper ' "$(offers start '')"
	assert_eq 'runner ' "$(offers rm sleeper '')"
	assert_eq 'before=runner before=sleeper ' "$(offers ps --filter before= | tr ' ' '\n' | sort | tr '\n' ' ' | sed 's/^ //')"
	assert_eq "$(hoy ps -q) " "$(offers stop "$(hoy ps -q | cut -c1-5)")"
	run hoy __complete --no-desc -- start sl
	assert_out sleeper
	assert_eq 'runner ' "$(offers exec -it -u root '')"
	assert_eq ':file ' "$(offers exec runner '')"
	assert_eq 'KILL ' "$(offers kill -s KI)"
	run hoy __complete -- rm run
	assert_out $'runner\trunning, @host'
	assert_eq 'none host bridge pasta slirp4netns container: ns: ' "$(offers run --network '')"
	put_on_path
	# bash breaks words at colons and equal signs
	run bash --norc --noprofile -c '. "$1"
		for line in "hoy run hello:l" "hoy rmi localhost/hello:" "hoy run --network=no" "hoy rm --force=true slee"; do
			COMP_LINE=$line COMP_POINT=${#line} COMPREPLY=()
			_hoy
			printf "%s\n" "${COMPREPLY[*]}"
		done' - "$stubs/hoy.bash"
	assert_out 'latest
latest
none
sleeper'
	hoy rm -f -t 0 sleeper runner >/dev/null || fail rm
}

# Values of flags: those of choices, keys and what follows them, lists between commas, fields of templates.
test_values() { # short
	assert_eq 'status=created status=running status=restarting status=exited status=paused status=lost ' "$(offers ps --filter status=)"
	assert_eq 'status= ' "$(offers ps -f st)"
	assert_eq '--filter=dangling=true ' "$(offers images --filter=dangling=t)"
	assert_eq 'type=bind type=volume type=tmpfs type=image type=glob type=ramfs type=devpts ' "$(offers run --mount type=)"
	assert_eq 'type=bind,source= ' "$(offers run --mount type=bind,so)"
	assert_eq ':file:17 ' "$(offers run --mount type=bind,source=/et)"
	assert_eq ':file:25 ' "$(offers run --mount=type=bind,source=/et)"
	assert_eq 'CHOWN,NET_RAW ' "$(offers run --cap-add CHOWN,NET_R)"
	assert_eq 'seccomp=unconfined :file:8 ' "$(offers run --security-opt seccomp=)"
	assert_eq '{{.Names}} ' "$(offers ps --format '{{.Nam')"
	assert_eq '{{.ID}}:{{.Tag}} ' "$(offers images --format '{{.ID}}:{{.Ta')"
	assert_eq '{{.Client. ' "$(offers version --format '{{.Cl')"
	assert_eq '{{.Client.Version}} ' "$(offers version --format '{{.Client.Ve')"
	assert_eq '' "$(offers version --format '{{.Nope.')"
	assert_eq '{{.Host.Kernel}} ' "$(offers info --format '{{.Host.Ker')"
	assert_eq 'pid,huser ' "$(offers top web pid,hus)"
	assert_eq 'linux/arm64 linux/arm/v7 ' "$(offers run --platform linux/arm)"
	assert_eq 'status=created ' "$(offers stop --filter status=cr)"
	case " $(offers ps --format '')" in ' json table {{.ID}} '*) ;; *) fail 'no fields' ;; esac
	assert_eq 'bash zsh fish ' "$(offers completion '')"
	# every key that is offered is taken
	local k
	for k in $(offers ps --filter ''); do
		run hoy ps --filter "${k}x"
		case $err in *'no such key'*) fail "$k is offered, but no key" ;; esac
	done
	for k in $(offers images --filter ''); do
		run hoy images --filter "${k}x"
		case $err in *'no such key'*) fail "$k is offered, but no key" ;; esac
	done
}

# The command prints the scripts that are installed; by another name it registers that too.
test_scripts() { # short
	local s f
	for s in bash:hoy.bash zsh:_hoy fish:hoy.fish; do
		hoy completion "${s%%:*}" >"$T/script" || fail "completion $s"
		assert_bytes "$T/script" "$stubs/${s#*:}"
	done
	hoy completion zsh -f "$HOME/f" || fail 'to a file'
	assert_bytes "$HOME/f" "$stubs/_hoy"
	run hoy completion powershell
	assert_err E-USAGE 'powershell'
	ln -s "$(command -v "${HOY%% *}")" "$HOME/docker"
	ln -s "$(command -v "${HOY%% *}")" "$HOME/podman"
	PATH=$HOME:$PATH
	run bash --norc --noprofile -c 'compopt() { :; }; . <(docker completion bash); . <(podman completion bash --no-desc)
		complete -p docker podman hoy
		COMP_LINE="docker vers" COMP_POINT=11; _hoy; echo "${COMPREPLY[@]}"'
	assert_out 'complete -F _hoy docker
complete -F _hoy podman
complete -F _hoy hoy
version'
	command -v fish >/dev/null || return 0
	run fish --no-config -c 'docker completion fish | source; complete -C "docker vers" | cut -f1'
	assert_out version
}

# Completion looks; it never makes a store, and says nothing about a broken one.
test_silent() { # short
	untidy
	run hoy __complete -- help ''
	assert_quiet
	run hoy --root "$HOME/none" __complete -- --root "$HOME/none" logs ''
	assert_ok
	assert_quiet
	[ ! -e "$HOME/none" ] || fail 'completion made a store'
	: >"$HOME/file"
	run hoy __complete -- --root "$HOME/file" logs ''
	assert_ok
	assert_quiet
	mkdir -p "$HOME/bad/containers/x" "$HOME/bad/cnames" && chmod 700 "$HOME/bad"
	echo '{' >"$HOME/bad/containers/x/state.json"
	run hoy __complete -- --root "$HOME/bad" logs ''
	assert_ok
	assert_quiet
	hoy create --name whole @host true >/dev/null || fail create
	local s c
	s=$(store)
	mkdir "$s/containers/garbage" "$s/containers/$(printf '%064d' 1)"
	ln -s "$(printf '%064d' 1)" "$s/cnames/half"
	ln -s nowhere "$s/cnames/nowhere"
	: >"$s/cnames/file"
	head -c 100 /dev/urandom >"$s/containers/$(printf '%064d' 1)/state.json"
	head -c 100 /dev/urandom >"$s/names/garbage"
	for c in rm start inspect rmi run; do
		run hoy __complete -- $c ''
		assert_ok
		assert_quiet
		case $c in rm | start | inspect) assert_has whole ;; esac
		assert_lacks half
	done
	chmod 000 "$s"
	for c in rm rmi inspect; do
		run hoy __complete -- $c ''
		assert_ok
		assert_quiet
	done
	chmod 700 "$s"
}

# No lock, and few system calls: a prefix that fits nobody looks into no container.
test_cost() { # rows=user
	need strace python3
	load busybox
	local i id s
	s=$(store)
	id=$(hoy create --name first busybox true)
	for ((i = 0; i < 100; i++)); do
		new=$(printf '%064x' $((i + 1)))
		mkdir "$s/containers/$new"
		sed "s/$id/$new/g; s/\"first\"/\"c$i\"/" "$s/containers/$id/state.json" >"$s/containers/$new/state.json"
		ln -s "$new" "$s/cnames/c$i"
	done
	strace -f -o "$T/all" -- "${HOY%% *}" __complete -- rm '' >"$T/names"
	assert_eq 101 "$(wc -l <"$T/names")"
	strace -f -o "$T/none" -- "${HOY%% *}" __complete -- rm nobody >/dev/null
	! grep -q 'flock\|clone\|execve.*execve\|O_CREAT' "$T/all" || fail "completion locks, forks or writes: $(grep 'flock\|clone\|O_CREAT' "$T/all")"
	local all none
	all=$(wc -l <"$T/all") none=$(wc -l <"$T/none")
	[ $((all - none)) -le 800 ] || fail "$((all - none)) system calls for 101 containers"
	[ "$none" -le 150 ] || fail "$none system calls for nothing"
	rm -rf "$s"/containers/0000* "$s"/cnames/c*
}

# Networks: names alone, without a look at records, and silent where these are broken.
test_networks() {
	need strace
	assert_eq '' "$(offers network rm '')" 'without a store'
	hoy network create web >/dev/null
	hoy network create back >/dev/null
	assert_eq 'back bridge web ' "$(offers network rm '' | tr ' ' '\n' | sort | tr '\n' ' ' | sed 's/^ //')"
	assert_eq 'back ' "$(offers network connect b | tr ' ' '\n' | grep -v bridge | tr '\n' ' ' | sed 's/^ //')"
	assert_eq 'web ' "$(offers run --network we)"
	assert_eq 'name=web ' "$(offers network ls --filter name=w)"
	strace -f -o "$T/calls" -- "${HOY%% *}" __complete -- network rm '' >/dev/null
	! grep -q 'config.json\|flock\|O_CREAT' "$T/calls" || fail "$(grep 'config.json\|flock\|O_CREAT' "$T/calls")"
	mkdir -p "$(store)/networks/bad"
	: >"$(store)/networks/web/config.json"
	run hoy __complete --no-desc -- network rm w
	assert_out web
	assert_quiet
	chmod 0 "$(store)/networks"
	run hoy __complete --no-desc -- network rm w
	chmod 700 "$(store)/networks"
	assert_ok
	assert_quiet
}

test_stubs_are_small() {
	local f
	for f in "$stubs"/hoy.bash "$stubs"/_hoy "$stubs"/hoy.fish; do
		[ "$(wc -l <"$f")" -lt 40 ] || fail "$f is too long: the knowledge belongs into the binary"
	done
}

test_bash() {
	put_on_path
	run bash --norc --noprofile -c '. "$1"
		compopt() { :; }
		for line in "hoy vers" "hoy --log-level=d" "hoy --log-level w" "hoy --root=/et" "hoy help vers"; do
			COMP_LINE=$line COMP_POINT=${#line} COMPREPLY=()
			_hoy
			printf "%s\n" "${COMPREPLY[*]}"
		done' - "$stubs/hoy.bash"
	assert_out 'version
debug
warn
/etc
version'
}

test_bash_on_a_terminal() {
	put_on_path
	export PS1='ready> ' INPUTRC=/dev/null TERM=dumb
	with_pty 'expect=ready> ' "send=. '$stubs/hoy.bash'\r" 'expect=ready> ' 'send=echo [; hoy --log-level=deb\t --root=/et\thostn\t vers\t' \
		'expect=version' 'send=\x15exit\r' eof -- bash --norc --noprofile -i >"$T/tty"
	grep -q -- '--log-level=debug  --root=/etc/hostn[a-z]* *version' "$T/tty" ||
		grep -q -- '--log-level=debug *--root=/etc/' "$T/tty" || fail "bash shows: $(cat -v "$T/tty")"
}

# With bash-completion loaded, which brings its own words and options; what wants no blank behind it gets none.
test_bash_completion_on_a_terminal() {
	[ -f /usr/share/bash-completion/bash_completion ] || skip 'needs bash-completion'
	put_on_path
	export PS1='ready> ' INPUTRC=/dev/null TERM=dumb
	with_pty 'expect=ready> ' "send=. /usr/share/bash-completion/bash_completion; . <(hoy completion bash)\r" 'expect=ready> ' \
		'send=echo [; hoy ps --filter sta\texi\t --for\tjs\t x' 'expect= x' 'send=\x15exit\r' eof -- bash --norc --noprofile -i >"$T/tty"
	grep -q -- 'ps --filter status=exited *--format json *x' "$T/tty" || fail "bash shows: $(cat -v "$T/tty")"
}

test_fish() {
	need fish
	put_on_path
	run fish --no-config -c "source $stubs/hoy.fish
		for l in 'hoy vers' 'hoy --log-level=d' 'hoy --log-level w' 'hoy --root=/etc/hostna' 'hoy --root /et' 'hoy help vers'
			complete -C \$l | cut -f1 | sort
		end"
	assert_out 'version
--log-level=debug
warn
/etc/
version'
	hoy create --name sleepy @host true >/dev/null || fail create
	run fish --no-config -c "source $stubs/hoy.fish
		complete -C 'hoy start s'
		complete -C 'hoy ps --filter status=exi'
		complete -C 'hoy run --mount type=bind,source=/etc/hostna'"
	assert_out $'sleepy\tcreated, @host\nstatus=exited\ntype=bind,source=/etc/hostname'
}

test_zsh() {
	need zsh
	put_on_path
	export PS1='ready> ' TERM=dumb
	with_pty 'expect=ready> ' "send=PS1='go> '; fpath=('$stubs' \$fpath); autoload -U compinit; compinit -u -D\r" 'expect=go> ' \
		'send=hoy --log-level=deb\t vers\t' 'expect=version' 'send=\x15exit\r' eof -- zsh -f -i >"$T/tty"
	tr -d '\b' <"$T/tty" | grep -q -- '--log-level=debug *version' || fail "zsh shows: $(cat -v "$T/tty")"
	# the state as the description; a key goes on without a blank
	hoy create --name sleepy @host true >/dev/null || fail create
	hoy create --name sleeper @host true >/dev/null || fail create
	with_pty 'expect=ready> ' "send=PS1='g''o> '; autoload -U compinit; compinit -u -D; . <(hoy completion zsh)\r" 'expect=go> ' \
		'send=hoy ps --filter sta\texi\t x' 'expect= x' 'send=\x15hoy start \t\t' 'expect=created, @host' \
		'send=\x15exit\r' eof -- zsh -f -i >"$T/tty"
	tr -d '\b\a' <"$T/tty" | grep -q 'status=exited' || fail "zsh shows: $(cat -v "$T/tty")"
}

run_tests "$@"
