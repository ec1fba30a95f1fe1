#!/bin/bash
# The names that docker and podman have for what lists and inspect show, and their filters: every one of them works, with the type that
# scripts expect. The tables follow podman 5.4 and docker's documentation.
# others: rows=user
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

# podman 4 knows less than the tables below.
new_peer() { ! is_peer || case $(hoy --version) in *' '[0-4].*) skip 'the tables are those of podman 5' ;; esac }

# one: a container that has most of what fields tell about, of an image that has labels.
one() {
	load busybox cfg-labels
	hoy run --network none --name web -l a=b -l c=d -v "$HOME:/data:ro" busybox sh -c 'exit 3'
	[ $? = 3 ] || fail 'run web'
}

# each CMD...: reads lines TEMPLATE = REGEX; CMD... --format TEMPLATE must print exactly that.
each() {
	local line template want
	while IFS= read -r line; do
		template=${line%% = *} want=${line#* = }
		run "$@" --format "$template"
		[ "$rc" = 0 ] || fail "$template: $(last)"
		[[ $out =~ ^($want)$ ]] || fail "$template: wanted '$want': $(last)"
	done
}

test_ps_fields() { # peer_ok
	new_peer
	one
	each hoy ps -a <<-'END'
		{{.ID}} = [0-9a-f]{12}
		{{.Names}} = web
		{{.Image}} = localhost/busybox:latest
		{{.ImageID}} = [0-9a-f]{12}
		{{.Command}} = sh -c exit 3
		{{.Status}} = Exited \(3\) (Less than a second|[0-9]+ seconds?) ago
		{{.CreatedAt}} = 20[0-9-]{8} [0-9:]{8}(\.[0-9]+)? [+-][0-9]{4} [A-Z+0-9-]+
		{{.CreatedHuman}}|{{.RunningFor}} = (Less than a second|[0-9]+ seconds?) ago.(Less than a second|[0-9]+ seconds?) ago
		{{.Exited}} {{.ExitCode}} {{.AutoRemove}} {{.IsInfra}} {{.Pid}} = true 3 false false 0
		{{.ExitedAt}} {{.StartedAt}} = [0-9]{10} [0-9]{10}
		{{.Labels}} {{.Labels.a}} {{index .Labels "c"}} {{.Label "a"}}{{.Label "none"}} = map\[a:b c:d\] b d b
		{{.Mounts}} {{index .Mounts 0}} = \[/data\] /data
		[{{.Ports}}{{.Networks}}{{.Pod}}{{.PodName}}{{.CIDFile}}] = \[\]
		{{json .Names}} {{json .Labels}} = "web" \{"a":"b","c":"d"\}
		{{range .Mounts}}<{{.}}>{{end}}{{with .Labels}}{{.c}}{{end}} = </data>d
	END
}

# Both engines' names answer whoever asks, by either name of hoy.
test_every_name() { # short
	local f
	one
	for f in AutoRemove CIDFile Command Created CreatedAt CreatedHuman ExitCode Exited ExitedAt ExposedPorts ID Image ImageID IsInfra Labels \
		Mounts Names Networks Pid Pod PodName Ports Restarts RunningFor Size StartedAt State Status HealthStatus LocalVolumes Platform; do
		run hoy ps -a --format "{{.$f}}"
		[ "$rc" = 0 ] || fail "ps has no $f: $(last)"
		run as_docker ps -a --format "table {{.$f}}"
		[ "$rc" = 0 ] || fail "docker ps has no $f: $(last)"
	done
	for f in Containers Created CreatedAt CreatedSince CreatedTime Dangling Digest History ID Id IsDangling IsReadOnly Labels Names ParentId \
		ReadOnly RepoDigests Repository RepoTags SharedSize Size Tag VirtualSize UniqueSize; do
		run hoy images --format "{{.$f}}"
		[ "$rc" = 0 ] || fail "images has no $f: $(last)"
		run as_docker images --format "table {{.$f}}"
		[ "$rc" = 0 ] || fail "docker images has no $f: $(last)"
	done
	for f in Client.Version Server.Version Client.APIVersion Server.APIVersion Client.GoVersion Client.GitCommit Client.Os Client.Arch \
		Client.Built Client.BuiltTime Client.OsArch Server.Os Server.Arch Server.KernelVersion Server.Platform.Name; do
		run hoy version --format "{{.$f}}"
		[ "$rc" = 0 ] || fail "version has no $f: $(last)"
	done
	for f in ServerVersion Driver OSType Architecture OperatingSystem NCPU MemTotal Containers Swarm.LocalNodeState Runtimes DockerRootDir \
		Name CgroupVersion Host.Arch Host.OS Host.Kernel Host.CgroupVersion Host.OCIRuntime.Name Host.Security.Rootless Store.GraphRoot \
		Store.GraphDriverName Store.ImageStore.Number Store.ContainerStore.Number Store.GraphOptions Version.Version Registries; do
		run hoy info --format "{{.$f}}"
		[ "$rc" = 0 ] || fail "info has no $f: $(last)"
	done
}

test_inspect_paths() { # peer_ok
	new_peer
	one
	each hoy inspect web <<-'END'
		{{.Id}} = [0-9a-f]{64}
		{{.Name}} {{.Path}} {{.Args}} {{.RestartCount}} = web sh \[-c exit 3\] 0
		{{.State.Status}} {{.State.Running}} {{.State.Paused}} {{.State.ExitCode}} {{.State.OOMKilled}} {{.State.Dead}} = exited false false 3 false false
		{{.State.Error}}{{.State.Pid}} {{.State.Restarting}} = 0 false
		{{.State.StartedAt}} {{.State.FinishedAt}} {{.Created}} = 20.* 20.* 20.*
		{{.ImageName}} {{.Config.Image}} = localhost/busybox:latest localhost/busybox:latest
		{{index .Config.Labels "a"}} {{.Config.Labels.c}} {{len .Config.Labels}} = b d 2
		{{.Config.Cmd}} {{.Config.User}}{{.Config.Tty}} {{.Config.OpenStdin}} {{.Config.AttachStdout}} = \[sh -c exit 3\] false false (true|false)
		{{range .Mounts}}{{.Type}} {{.Destination}} {{.RW}} {{.Propagation}}{{end}} = bind /data false rprivate
		{{.HostConfig.Memory}} {{.HostConfig.NanoCpus}} {{.HostConfig.CpuShares}} {{.HostConfig.MemorySwap}} = 0 0 0 0
		{{.HostConfig.NetworkMode}} {{.HostConfig.Privileged}} {{.HostConfig.ReadonlyRootfs}} {{.HostConfig.AutoRemove}} = none false false false
		{{.HostConfig.RestartPolicy.Name}} {{.HostConfig.RestartPolicy.MaximumRetryCount}} = (no)? 0
		{{.HostConfig.PortBindings}} {{.HostConfig.CapAdd}} {{.HostConfig.Devices}} {{.HostConfig.ExtraHosts}} = map\[\] .*
		{{.NetworkSettings.IPAddress}}{{.NetworkSettings.Ports}} [{{.NetworkSettings.MacAddress}}] = map\[\] \[\]
		{{range $k, $v := .NetworkSettings.Networks}}{{$k}}{{$v.IPAddress}}{{end}} = (none)?
		{{.Driver}} {{.GraphDriver.Name}} {{with .GraphDriver.Data}}{{.UpperDir}}{{end}} = overlay overlay /.*
		{{.OCIRuntime}}{{.Pod}}{{.IsInfra}}{{.Rootfs}}{{.Namespace}} {{.ExecIDs}} = .*false \[\]
	END
	each hoy image inspect cfg-labels <<-'END'
		{{.Id}} = [0-9a-f]{64}
		{{.RepoTags}} {{index .RepoTags 0}} = \[localhost/cfg-labels:latest\] localhost/cfg-labels:latest
		{{index .RepoDigests 0}} = localhost/cfg-labels@sha256:[0-9a-f]{64}
		{{.Architecture}} {{.Os}} {{.Config.Cmd}} {{.Created}} = amd64 linux \[true\] 2023-11-14.*
		{{.Labels.plain}} {{.Config.Labels.plain}} [{{index .Config.Labels "none"}}] = value value \[\]
		{{.RootFS.Type}} {{len .RootFS.Layers}} [{{.Author}}{{.Comment}}{{.Parent}}] = layers 1 \[\]
		{{len .History}} {{(index .History 0).CreatedBy}} = 1 .*
	END
}

# The keys and types of podman's JSON, and docker's lines, whose values are texts all.
test_json_shapes() {
	one
	hoy ps -a --format json >"$T/ps"
	hoy images --format json >"$T/images"
	hoy inspect web >"$T/inspect"
	as_docker ps -a --format json >"$T/docker-ps"
	as_docker images --format '{{json .}}' >"$T/docker-images"
	as_docker ps --filter name=nobody --format json >"$T/docker-none"
	run python3 - "$T" <<-'END'
		import json, sys
		T = sys.argv[1]
		def keys(o, want, name):
		    for k, t in want.items():
		        assert k in o, (name, 'lacks', k)
		        assert t is None or isinstance(o[k], t), (name, k, o[k])
		ps = json.load(open(T + '/ps'))[0]
		keys(ps, dict(AutoRemove=bool, Command=list, CreatedAt=str, CIDFile=str, Exited=bool, ExitedAt=int, ExitCode=int, ExposedPorts=None,
		    Id=str, Image=str, ImageID=str, IsInfra=bool, Labels=dict, Mounts=list, Names=list, Namespaces=dict, Networks=list, Pid=int,
		    Pod=str, PodName=str, Ports=None, Restarts=int, Size=None, StartedAt=int, State=str, Status=str, Created=int), 'ps')
		assert len(ps) == 27 and len(ps['Id']) == 64 and len(ps['ImageID']) == 64 and ps['Labels'] == {'a': 'b', 'c': 'd'}, ps
		im = json.load(open(T + '/images'))
		keys(im[0], dict(Id=str, ParentId=str, RepoTags=None, RepoDigests=list, Size=int, SharedSize=int, VirtualSize=int, Labels=None,
		    Containers=int, Digest=str, History=list, Names=list, Created=int, CreatedAt=str), 'images')
		assert {i['Names'][0]: i['Containers'] for i in im} == {'localhost/busybox:latest': 1, 'localhost/cfg-labels:latest': 0}, im
		h = json.load(open(T + '/inspect'))[0]['HostConfig']
		keys(h, dict(Binds=list, CgroupMode=str, LogConfig=dict, PortBindings=dict, RestartPolicy=dict, Dns=list, ExtraHosts=list, GroupAdd=list,
		    ShmSize=int, Memory=int, CpuQuota=int, PidsLimit=int, Ulimits=list, Devices=list, OomScoreAdj=int, BlkioWeight=int), 'HostConfig')
		lines = [json.loads(l) for l in open(T + '/docker-ps')]
		assert len(lines) == 1
		want = 'Command CreatedAt HealthStatus ID Image Labels LocalVolumes Mounts Names Networks Platform Ports RunningFor Size State Status'
		assert list(lines[0]) == want.split() and all(isinstance(v, str) for v in lines[0].values()), lines
		assert lines[0]['Labels'] == 'a=b,c=d' and lines[0]['Image'] == 'localhost/busybox:latest' and lines[0]['Command'][0] == '"', lines
		lines = [json.loads(l) for l in open(T + '/docker-images')]
		want = 'Containers CreatedAt CreatedSince Digest ID Repository SharedSize Size Tag UniqueSize VirtualSize'
		assert len(lines) == 2 and list(lines[0]) == want.split() and all(isinstance(v, str) for v in lines[0].values()), lines
		assert open(T + '/docker-none').read() == ''
	END
	assert_ok
}

# fit CMD...: reads lines FILTER... = NAMES; CMD... with these filters must list exactly these, in this order.
fit() {
	local line want f args
	while IFS= read -r line; do
		want=${line#* = } args=()
		for f in ${line%% = *}; do args+=(--filter "$f"); done
		run "$@" "${args[@]}"
		[ "$rc" = 0 ] || fail "${line%% = *}: $(last)"
		[ "$want" = "$(tr '\n' ' ' <"$T/out" | sed 's/ $//')" ] || fail "${line%% = *}: wanted '$want': $(last)"
	done
}

test_ps_filters() { # peer_ok
	new_peer
	load busybox cfg-labels
	hoy create --network none --name web1 -l k=v -l j=1 -v "$HOME:/data" busybox true >"$T/id"
	hoy run --network none --name web2 -l k=w busybox sh -c 'exit 3'
	hoy create --network none --name db cfg-labels true >/dev/null
	fit hoy ps -a --format '{{.Names}}' <<-END
		name=web = web1 web2
		name=^web1$ = web1
		name=w.*2 name=db = web2 db
		name=nobody = 
		id=$(cut -c1-10 "$T/id") = web1
		id=$(cat "$T/id") = web1
		label=k = web1 web2
		label=k=v = web1
		label=k label=j = web1
		label=k=v label=k=w = 
		status=created = web1 db
		status=exited = web2
		status=stopped = web2
		status=exited status=created = web1 web2 db
		status=paused = 
		status=running = 
		exited=3 = web2
		exited=0 = 
		ancestor=busybox = web1 web2
		ancestor=localhost/busybox:latest = web1 web2
		ancestor=cfg-labels = db
		ancestor=nosuch = 
		before=web2 = web1
		since=web2 = db
		until=1h = 
		until=0s = web1 web2 db
		volume=/data = web1
		volume=/nowhere = 
		network=nosuch = 
		health=healthy = 
		pod=nosuch = 
		name=web status=exited = web2
		name=web status=created label=j = web1
	END
	run hoy ps -a --filter network=none --format '{{.Names}}'
	is_peer || assert_out $'web1\nweb2\ndb'
}

test_ps_filters_of_ours() { # short
	load busybox
	hoy create --network none --name web1 -l k=v -v "$HOME:/data" busybox true >"$T/id"
	fit hoy ps -a --format '{{.Names}}' <<-END
		id=^$(cut -c1-3 "$T/id") = web1
		id=^x = 
		health=none restart-policy=no is-task=false should-start-on-boot=false = web1
		label!=x label!=y = web1
		label!=k = 
		restart-policy=always = 
		publish=80 = 
		expose=80/tcp = 
		is-task=true = 
		should-start-on-boot=true = 
		volume=$HOME:/data = web1
		volume=/x:/data = 
		command=tr.e = web1
		ancestor=$(hoy images -q busybox) = web1
	END
	local f
	for f in nope=1 status=nope exited=x exited=256 label health=x restart-policy=x is-task=x until=x 'name=(' '=x' before=nobody; do
		run hoy ps -a --filter "$f"
		assert_err
		[ "$f" = before=nobody ] || assert_err_has 'should-start-on-boot'
	done
}

test_images_filters() { # peer_ok short
	new_peer
	load busybox cfg-labels
	hoy create --network none --name c cfg-labels true >/dev/null
	local id
	id=$(hoy images -q --no-trunc cfg-labels)
	fit hoy images --sort repository --format '{{.Repository}}' <<-END
		reference=busybox = localhost/busybox
		reference=localhost/* = localhost/busybox localhost/cfg-labels
		reference=nosuch = 
		reference=cfg-labels reference=busybox:latest = localhost/busybox localhost/cfg-labels
		dangling=true = 
		dangling=false reference=cfg* = localhost/cfg-labels
		id=$(printf %.10s "${id#sha256:}") = localhost/cfg-labels
		label=plain = localhost/cfg-labels
		label=plain=value = localhost/cfg-labels
		label=plain=x = 
		label=plain label=nl = localhost/cfg-labels
		readonly=true = 
		intermediate=true = 
		containers=true = localhost/cfg-labels
		since=busybox = 
		before=busybox = 
		after=busybox = 
		until=2020-01-01 = 
	END
	is_peer && return
	hoy tag busybox docker.io/library/other:1 || fail tag
	fit hoy images --sort repository --format '{{.Repository}}' <<-END
		reference=other:1 reference=c* = docker.io/library/other localhost/cfg-labels
		reference!=cfg* reference!=other = localhost/busybox
		label!=plain = docker.io/library/other localhost/busybox
		id!=$(printf %.10s "${id#sha256:}") = docker.io/library/other localhost/busybox
		manifest=false readonly=false intermediate=false containers=false = docker.io/library/other localhost/busybox
		containers=external = 
		until=1h reference=busybox = localhost/busybox
		digest=$(hoy images --format '{{.Digest}}' cfg-labels) = localhost/cfg-labels
		dangling!=true reference=busybox = localhost/busybox
	END
	local f
	for f in nope=1 label dangling=x until=x before=nosuch '!=x' containers=x; do
		run hoy images --filter "$f"
		[ "$rc" = 125 ] || fail "$f is taken"
	done
	run hoy images --filter nope=1
	assert_err E-USAGE intermediate
}

# What is printed of a list of valid names fits a terminal.
test_hints_are_wrapped() { # short
	local c
	for c in 'ps --filter nope=1' 'images --filter nope=1' 'ps --format {{.Nope}}' 'images --format {{.Nope}}'; do
		# shellcheck disable=SC2086
		run hoy $c
		assert_err
		[ "$(wc -L <"$T/err")" -le 120 ] || fail "too wide: $(last)"
	done
}

test_what_scripts_probe() { # short
	each hoy info <<-'END'
		{{.Host.RemoteSocket.Exists}} {{.Host.CgroupVersion}} = false v[12]
		{{json .Plugins.Network}} = \["bridge","macvlan","ipvlan","host","none"\]
		{{.Store.VolumePath}} = .*/volumes
		{{.Swarm.LocalNodeState}} {{.ServerVersion}} {{.OSType}} = inactive [0-9.]+ linux
	END
	each hoy version <<-'END'
		{{.Client.Version}} {{.Server.Version}} = ([0-9.]+) [0-9.]+
		{{.Server.Os}}/{{.Server.Arch}} = linux/.*
	END
	run as_docker version
	assert_match $'^Client: hoy\n Version: .*\n\nServer: hoy\n'
}

test_secret_fields() {
	hoy secret create -l a=b one - <<<x >/dev/null || fail create
	each hoy secret ls <<-'END'
		{{.ID}} {{.Name}} {{.Driver}} = [0-9a-f]{25} one file
		{{.Label "a"}} {{json .Labels}} = b \{"a":"b"\}
		{{.CreatedAt}}|{{.UpdatedAt}} = (Less than a second|[0-9]+ seconds?) ago.(Less than a second|[0-9]+ seconds?) ago
	END
}

run_tests "$@"
