#!/bin/bash
# Completion: what the binary offers, and what the three shells make of it.
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
	assert_eq 'runner ' "$(offers exec -it -u root '')"
	assert_eq ':file ' "$(offers exec runner '')"
	assert_eq 'KILL ' "$(offers kill -s KI)"
	run hoy __complete -- rm run
	assert_out $'runner\trunning, @host'
	assert_eq 'none host ' "$(offers run --network '')"
	put_on_path
	# bash breaks words at colons and equal signs
	run bash --norc --noprofile -c '. "$1"
		for line in "hoy run hello:l" "hoy rmi localhost/hello:" "hoy run --network=n" "hoy rm --force=true slee"; do
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
}

test_zsh() {
	need zsh
	put_on_path
	export PS1='ready> ' TERM=dumb
	with_pty 'expect=ready> ' "send=PS1='go> '; fpath=('$stubs' \$fpath); autoload -U compinit; compinit -u -D\r" 'expect=go> ' \
		'send=hoy --log-level=deb\t vers\t' 'expect=version' 'send=\x15exit\r' eof -- zsh -f -i >"$T/tty"
	tr -d '\b' <"$T/tty" | grep -q -- '--log-level=debug *version' || fail "zsh shows: $(cat -v "$T/tty")"
}

run_tests "$@"
