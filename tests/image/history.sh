#!/bin/bash
# history: the steps that an image tells of, the last one first.
# others: rows=user
. "$(dirname "$0")/../lib.sh"
# shellcheck source=common.bash
. "$(dirname "$0")/common.bash"

# $T/made.tar: two layers, four steps.
made() {
	craft made <<'P'
one, two = Layer().file("a", "x" * 20000).bytes(), Layer().file("b", "y").bytes()
long = "/bin/sh -c #(nop) ADD file:" + "0123456789abcdef" * 4 + " in /"
c = {"architecture": "amd64", "os": "linux", "config": {"Cmd": ["/a"]}, "rootfs": {"type": "layers", "diff_ids": ["sha256:" + digest(one), "sha256:" + digest(two)]},
     "history": [{"created": "2020-01-02T03:04:05Z", "created_by": long},
                 {"created": "2020-01-02T03:04:06.5Z", "created_by": "ENV A=b", "empty_layer": True, "comment": "a comment"},
                 {"created": "2020-01-02T03:04:07Z", "created_by": "COPY b"},
                 {"created_by": "CMD [\"/a\"]", "empty_layer": True}]}
cfg = json.dumps(c).encode()
archive("made", {digest(cfg) + ".json": cfg, "1.tar": one, "2.tar": two,
    "manifest.json": json.dumps([{"Config": digest(cfg) + ".json", "RepoTags": ["localhost/made:1"], "Layers": ["1.tar", "2.tar"]}]).encode()})
P
	hoy load -q -i "$T/made.tar" >/dev/null || fail 'load'
}

test_steps() { # short
	made
	run hoy history made:1
	assert_ok
	assert_eq 5 "$(printf '%s\n' "$out" | wc -l)" lines
	assert_match '^ID +CREATED +CREATED BY +SIZE +COMMENT'
	assert_has '/bin/sh -c #(nop) ADD file:0123456789abcde...'
	run hoy history --format '{{.ID}} {{.CreatedBy}}' made:1
	assert_match "^[0-9a-f]{12} CMD"
	assert_has '<missing> COPY b'
	run hoy history --no-trunc --human=false --format '{{.CreatedAt}} {{.Size}} {{.Comment}}|' made:1
	assert_out "$(printf '%s\n' 'N/A 0 |' '2020-01-02T03:04:07Z 10240 |' '2020-01-02T03:04:06Z 0 a comment|' '2020-01-02T03:04:05Z 30720 |')"
	run hoy history -q --no-trunc made:1
	assert_eq "$(id_of made:1)" "$(printf '%s\n' "$out" | head -n 1)" id
	run hoy image history --format json made:1
	assert_has '"created": "2020-01-02T03:04:06.500000000Z"'
	assert_has '"size": 30720'
	assert_has '"localhost/made:1"'
	run hoy history --format '{{.Nope}}' made:1
	assert_err E-FORMAT
	run hoy history nothere
	assert_err E-IMAGE-UNKNOWN
}

test_for_docker() {
	made
	ln -s "$(command -v "${HOY%% *}")" "$T/docker"
	run "$T/docker" history made:1
	assert_match '^IMAGE +CREATED +CREATED BY +SIZE +COMMENT'
	assert_has '10.2kB'
	run "$T/docker" history --format json made:1
	assert_eq 4 "$(printf '%s\n' "$out" | grep -c '^{"Comment":')" lines
	run "$T/docker" history -q --no-trunc made:1
	assert_match '^sha256:'
}

run_tests "$@"
