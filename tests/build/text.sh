#!/bin/bash
# text.sh - what is said of a Dockerfile: of one that is wrong, with its place, and of one that is right (--check).
# others: rows=user
. "$(dirname "$0")/../lib.sh"

# says TEXT WANTED [HINT]: the build of this Dockerfile is refused with this.
says() {
	printf '%b' "$1" >"$T/Dockerfile"
	run hoy build -f "$T/Dockerfile" "$T/c"
	assert_err E-DOCKERFILE "Dockerfile:$2"
	[ $# -lt 3 ] || assert_err_has "$3"
}

test_wrong_ones() {
	mkdir "$T/c"
	says 'FROM scratch\nRUNN x\n' '2:1: unknown instruction "RUNN"' 'did you mean RUN?'
	says 'FROM scratch\nCOPY --frm=x a b\n' '2:6: COPY has no flag --frm' 'did you mean --from?'
	says 'FROM scratch\nRUN a \\\n --mount\n\0033[2J x\n' '4:1: unknown instruction "\x1b[2J"'
	says 'FROM scratch\nRUN cat <<EOF\nx\n' '2:9: a here-document without its end' '"EOF"'
	says 'RUN x\n' '1:1: RUN before the first FROM'
	says '' ' there are no instructions'
	says 'FROM scratch\nENV a=${b?say so\n' '2:'
	printf 'F\0R\0O\0M\0' >"$T/Dockerfile"
	run hoy build -f "$T/Dockerfile" "$T/c"
	assert_err E-DOCKERFILE 'UTF-8'
	printf 'a\n[\n' >"$T/c/.dockerignore"
	printf 'FROM scratch\nCOPY . /\n' >"$T/Dockerfile"
	run hoy build -f "$T/Dockerfile" "$T/c"
	assert_err E-IGNORE-FILE '.dockerignore:2:'
}

# The lines around a step that failed, those that it is made of marked; its code is the build's.
test_failing_step() { # rows=user,one
	load busybox
	mkdir "$T/c"
	printf 'FROM busybox\nENV A=b\nRUN echo first && \\\n    echo seen && exit 7\n\nENV C=d\n' >"$T/c/Dockerfile"
	run hoy build --network none "$T/c"
	assert_rc 7
	out=$out$err
	assert_has '      2 | ENV A=b'
	assert_has " >    3 | RUN echo first && \\"
	assert_has ' >    4 |     echo seen && exit 7'
	assert_has '      6 | ENV C=d'
	assert_err_has 'Dockerfile:3: the command ended with exit code 7'
	assert_err_has 'hoy run --rm -it '
}

# Every rule that shows in the text or the plan, by its name and line; a clean file says nothing; directives skip and insist.
test_check() {
	mkdir "$T/c"
	cat >"$T/c/Dockerfile" <<-'END'
		# check=experimental=all
		ARG V
		# wrong
		FROM base:$V as Build
		MAINTAINER me
		ENV old form
		ENV API_TOKEN=x
		WORKDIR rel
		EXPOSE 80/TCP
		EXPOSE 8080:80
		COPY secret /
		CMD one
		CMD two
		run a \

		    b
		FROM --platform=$TARGETPLATFORM base AS build
		FROM --platform=linux/amd64 base AS scratch
		FROM base:$NONE
		ENV x=$y
	END
	echo secret >"$T/c/.dockerignore"
	run hoy build --check --target scratch "$T/c"
	local rule
	for rule in 4:InvalidDefinitionDescription 4:InvalidDefaultArgInFrom 4:FromAsCasing 4:StageNameCasing 5:MaintainerDeprecated 6:LegacyKeyValueFormat \
		7:SecretsUsedInArgOrEnv 8:WorkdirRelativePath 9:ExposeProtoCasing 10:ExposeInvalidFormat 12:JSONArgsRecommended \
		12:MultipleInstructionsDisallowed 14:ConsistentInstructionCasing 14:NoEmptyContinuation 17:RedundantTargetPlatform 17:DuplicateStageName \
		18:FromPlatformFlagConstDisallowed 18:ReservedStageName; do
		assert_has "Dockerfile:${rule%:*}: ${rule#*:}: "
	done
	assert_rc 1
	run hoy build --check "$T/c"
	assert_has 'Dockerfile:19: UndefinedArgInFrom: '
	printf '# check=experimental=CopyIgnoredFile\nFROM scratch\nCOPY secret /\n' >"$T/c/Dockerfile"
	run hoy build --check "$T/c"
	assert_has 'Dockerfile:3: CopyIgnoredFile: '
	printf 'FROM scratch\nENV x=$y\n' >"$T/c/Dockerfile"
	run hoy build --check "$T/c"
	assert_has 'Dockerfile:2: UndefinedVar: nothing sets y'
	printf '# check=skip=UndefinedVar\nFROM scratch\nENV x=$y\n' >"$T/c/Dockerfile"
	run hoy build --check "$T/c"
	assert_ok
	assert_lacks Undefined
	printf '# check=error=true\nFROM scratch\nENV x=$y\n' >"$T/c/Dockerfile"
	run hoy build "$T/c"
	assert_rc 125
	assert_err_has E-BUILD-CHECK
	assert_err_has UndefinedVar
}

run_tests "$@"
