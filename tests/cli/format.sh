#!/bin/bash
# The template language of --format, on `version`, which needs neither an image nor a container. The values stand in the templates
# themselves, so that another engine must print the same.
# others: rows=user
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

# expand: reads lines TEMPLATE, then "= EXPECTED"; each template must print exactly that.
expand() {
	local template want
	while read -r template; do
		read -r want
		run hoy version --format "$template"
		[ "$rc" = 0 ] || fail "$template: status $rc, $err"
		[ "= $out" = "$want" ] || fail "$template: got '$out', wanted '${want#= }'"
	done
}

# refuse TEMPLATE...: each must fail with the engine's status, a message and no output.
refuse() {
	local template
	for template; do
		run hoy version --format "$template"
		[ "$rc" = 125 ] || fail "$template: status $rc, not 125"
		[ -z "$out" ] || is_peer || fail "$template: printed '$out'"
		case $err in *rror*) ;; *) fail "$template: no message" ;; esac
	done
}

test_control() { # peer_ok short
	expand <<-'END'
		{{if 0}}a{{else if ""}}b{{else if 0.0}}c{{else}}d{{end}}
		= d
		{{range split "a b c" " "}}<{{.}}>{{end}}
		= <a><b><c>
		{{range $i, $x := split "a b c" " "}}{{if eq $x "b"}}{{continue}}{{end}}{{$i}}{{$x}}{{end}}
		= 0a2c
		{{range split "a b c" " "}}{{if eq . "b"}}{{break}}{{end}}{{.}}{{end}}
		= a
		{{range $i, $e := (split "x y" " ")}}{{range $j, $f := split "1 2" " "}}{{$i}}{{$j}}{{$e}}{{$f}},{{end}}{{end}}
		= 00x1,01x2,10y1,11y2,
		{{with "x"}}{{.}}{{end}}{{with ""}}a{{else}}b{{end}}{{with $y := 5}}{{$y}}{{.}}{{end}}
		= xb55
		{{$x := 1}}{{if true}}{{$x = 2}}{{end}}{{$x}}{{if true}}{{$x := 9}}{{end}}{{$x}}
		= 22
		{{define "t"}}[{{.}}]{{end}}{{template "t" 5}}{{template "t"}}{{block "b" "y"}}({{.}}){{end}}
		= [5][<no value>](y)
		a  {{- "x" -}}  b {{/* c */}}{{- /* d */ -}} e
		= axb e
		{{with .Client}}{{eq .Version $.Client.Version}}{{end}} {{eq (.Client).Version .Client.Version}}
		= true true
	END
}

test_functions() { # peer_ok short
	expand <<-'END'
		{{split "a,b," ","}}{{len (split "" ",")}}{{len (split "abc" "")}}{{join (split "x-y" "-") "+"}}
		= [a b ]13x+y
		{{title "hello x-y"}} {{upper "äxł"}} {{lower "ÄX"}} [{{pad "x" 1 2}}] [{{pad "" 1 2}}] {{truncate "abc" 2}}
		= Hello X-Y ÄXŁ äx [ x  ] [] ab
		{{eq "a" "b" "a"}} {{ne 1 2}} {{lt 1 2}} {{le 2 2}} {{gt "b" "a"}} {{ge 1.5 2.5}}
		= true true true true true false
		{{and 1 0}} {{and 1 2 3}} {{or 0 "" "x"}} {{not 0}} {{5 | printf "%d-%d" 4}}
		= 0 3 x true 4-5
		{{len "héllo"}} {{index (split "a b c" " ") 1}} {{index (split "ab cd" " ") 1 0}} {{slice "abcdef" 1 3}}
		= 6 b 99 bc
		{{html "<a href=\"x\">&'"}} {{js "it's <b>"}} {{urlquery "a b/c?d=é&~-_."}}
		= &lt;a href=&#34;x&#34;&gt;&amp;&#39; it\'s \u003Cb\u003E a+b%2Fc%3Fd%3D%C3%A9%26~-_.
		{{json (split "a<b c&" " ")}} {{json nil}} {{json 1e21}} {{json 1e20}} {{json 0.1}}
		= ["a<b","c&"] null 1e+21 100000000000000000000 0.1
		{{print 1 2 "a" "b" 3 true nil 1.5}} {{print}}{{1e6}} {{0x1F}} {{'a'}} {{1_000}} {{-0.5}}
		= 1 2ab3 true <nil> 1.5 1e+06 31 97 1000 -0.5
	END
}

test_printf() { # peer_ok short
	expand <<-'END'
		{{printf "%d|%5d|%-5d|%05d|%+d|%x|%#X|%o|%b|%c|%U|%q" 42 42 42 -42 42 42 42 8 5 97 97 97}}
		= 42|   42|42   |-0042|+42|2a|0X2A|10|101|a|U+0061|'a'
		{{printf "%s|%5s|%-5s|%.1s|%q|%x|%v" "web" "web" "web" "web" "w\te'\"b" "web" "web"}}
		= web|  web|web  |w|"w\te'\"b"|776562|web
		{{printf "%f|%.2f|%8.2f|%e|%g|%v|%G|%.3g|%08.3f" 1.5 1.256 1.5 1500.0 0.00001 1e6 1e-7 12345.678 -3.14159}}
		= 1.500000|1.26|    1.50|1.500000e+03|1e-05|1e+06|1E-07|1.23e+04|-003.142
		{{printf "%d %s %z %d" "web" 5 1}} {{printf "x" 1 nil "s"}} {{printf "%"}}
		= %!d(string=web) %!s(int=5) %!z(int=1) %!d(MISSING) x%!(EXTRA int=1, <nil>, string=s) %!(NOVERB)
		{{printf "%*d|%-*d|%.*s|%[2]d %[1]d" 4 1 4 1 1 "web"}}
		=    1|1   |w|1 4
		{{printf "%q %v %T %T %T" (split "a b" " ") nil 1 1.5 "s"}}
		= ["a" "b"] <nil> int float64 string
	END
}

test_refusals() { # peer_ok short
	refuse '{{.Client' '{{if true}}' '{{end}}' '{{else}}' '{{nosuch 1}}' '{{$x}}' '{{"abc}}' '{{1 | 2}}' '{{(1}}' \
		'{{.Client.Nope}}' '{{.Nope}}' '{{upper 1}}' '{{index (split "a" " ") 5}}' '{{slice "abc" 2 1}}' '{{eq 1 "a"}}' \
		'{{len 5}}' '{{range "abc"}}x{{end}}' '{{template "nope"}}' '{{break}}' '{{call 1}}' '{{nil}}' '{{}}'
}

test_refusals_say_where_and_what() { # short
	run hoy version --format '{{.Client.Versoin}}'
	assert_rc 125
	assert_err_has 'template:1:3: there is no field .Versoin'
	assert_err_has 'did you mean .Version?'
	run hoy version --format $'a\n  {{uper .Client.Version}}'
	assert_rc 125
	assert_err_has 'template:2:5: there is no function uper'
	assert_err_has 'did you mean upper?'
	run hoy version --format '{{range 1000000000}}{{end}}'
	assert_rc 125
	assert_err_has 'runs too long'
}

# A list that is empty, and a name that does not exist: a wrong template is still said to be wrong.
test_refused_where_nothing_is_printed() { # short
	local t cmd
	for t in '{{.Nmae}}' '{{.ID' 'table {{.Nmae}}' '{{range .}}{{.Nmae}}{{end}}' '{{uper .ID}}'; do
		for cmd in 'ps' 'images' 'system check'; do
			# shellcheck disable=SC2086
			run hoy $cmd --format "$t"
			assert_err E-FORMAT template:1:
		done
	done
	run hoy inspect --format '{{.ID' nobody
	assert_rc 125
	assert_err_has 'template:1:1:'
}

run_tests "$@"
