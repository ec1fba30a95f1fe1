#!/bin/bash
# Real engines with hoy as their runtime: podman, containerd, dockerd and a swarm of one node.
# others: rows=root
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=bundle.bash
. "$(dirname "$0")/bundle.bash"

# runtime: hoy by the name hoy-oci, at $HOME/bin; the root of an image as $HOME/root.tar.
runtime() {
	bundle
	mkdir -p bin
	ln -sf "$(command -v "${HOY%% *}")" bin/hoy-oci
	tar -C b/rootfs -cf root.tar .
}

# own_run: in a mount namespace with a /run of its own, and without a network.
own_run() { unshare -mn bash -c 'ip link set lo up; mount --make-rprivate / && mount -t tmpfs run /run && exec "$@"' - "$@"; }

test_podman() { # rows=root,user
	local n short
	need podman conmon
	runtime
	n=$(ulimit -Hn)
	# what podman asks for by itself may be more than this machine gives anybody
	printf '[containers]\ndefault_ulimits=["nofile=%s:%s","nproc=1000:1000"]\nnetns="none"\n' "$n" "$n" >containers.conf
	export CONTAINERS_CONF=$HOME/containers.conf XDG_RUNTIME_DIR=$HOME/run
	mkdir -p run
	short=$(mktemp -d /tmp/pod.XXXXXX) # podman takes no long path here
	# shellcheck disable=SC2317  # called by run
	pod() { podman --root "$HOME/pod" --runroot "$short/r" --storage-driver vfs --cgroup-manager cgroupfs --events-backend file --runtime "$HOME/bin/hoy-oci" "$@"; }
	run pod import root.tar t:1
	assert_ok
	run pod run --rm t:1 sh -c 'id; exit 5'
	assert_rc 5
	assert_has 'uid=0'
	run pod run --rm t:1 nosuch
	assert_rc 127
	run pod run --rm t:1 /etc/passwd
	assert_rc 126
	run pod run --rm --user 1000:7 --cap-drop all --security-opt no-new-privileges t:1 sh -c 'id; grep CapEff /proc/self/status'
	assert_has 'uid=1000'
	assert_has 0000000000000000
	run pod run -d --name x t:1 sh -c 'echo started; sleep 1000'
	assert_ok
	run pod exec x sh -c 'echo in; exit 4'
	assert_rc 4
	run pod exec x nosuch
	assert_rc 127
	run with_pty -- podman --root "$HOME/pod" --runroot "$short/r" --storage-driver vfs --cgroup-manager cgroupfs --events-backend file --runtime "$HOME/bin/hoy-oci" exec -it x tty
	assert_has /dev/pts/
	run pod logs x
	assert_has started
	run pod restart -t 0 x
	assert_ok
	run pod rm -f -t 0 x
	assert_ok
	[ ! -f run/libpod/tmp/pause.pid ] || kill "$(cat run/libpod/tmp/pause.pid)"
	rm -rf "$short"
}

# What is done to dockerd; a function in a file, because it runs in other namespaces.
test_dockerd() { # rows=root
	need dockerd docker containerd
	runtime
	cat >try.sh <<'SH'
dockerd --data-root "$HOME/data" --exec-root /run/dock -H "unix://$HOME/d.sock" --pidfile /run/dock.pid -s vfs --iptables=false --ip6tables=false \
	--bridge=none --add-runtime hoy="$HOME/bin/hoy-oci" --default-runtime hoy >dockerd.log 2>&1 &
d=$!
trap 'kill $d; wait $d' EXIT
export DOCKER_HOST=unix://$HOME/d.sock
until docker info >/dev/null 2>&1; do kill -0 $d || exit 9; sleep 0.1; done
want() { [ "$1" = "$2" ] || { echo "$3: wanted $1, got $2"; exit 1; }; }
docker import root.tar t:1 >/dev/null
docker tag t:1 t:2
u='--ulimit nofile=1024:1024 --network none'
out=$(docker run --rm $u t:1 sh -c 'echo hello; exit 5'); want 'hello 5' "$out $?" run
docker run --rm $u t:1 nosuch 2>/dev/null; want 127 $? 'no such command'
docker run --rm $u t:1 /etc 2>/dev/null; want 126 $? 'a directory'
docker run -d $u --name xx --health-cmd true --health-interval 1s t:1 sh -c 'echo started; sleep 1000' >/dev/null
want hoy "$(docker inspect -f '{{.HostConfig.Runtime}}' xx)" runtime
docker exec xx sh -c 'exit 4'; want 4 $? exec
for i in $(seq 100); do h=$(docker inspect -f '{{.State.Health.Status}}' xx); [ "$h" != healthy ] || break; sleep 0.1; done
want healthy "$h" 'health check'
docker restart -t 0 xx >/dev/null; want 0 $? restart
want 'started started' "$(docker logs xx | tr '\n' ' ' | sed 's/ $//')" logs
docker kill xx >/dev/null
want 137 "$(docker wait xx)" kill
docker rm xx >/dev/null; want 0 $? rm
docker swarm init --advertise-addr 127.0.0.1 >/dev/null; want 0 $? 'swarm init'
docker service create -d --name web --replicas 2 --network host --no-resolve-image --update-delay 0s --update-monitor 1s --stop-grace-period 0s t:1 sh -c 'echo v1; sleep 1000' >/dev/null
for i in $(seq 200); do n=$(docker service ls --format '{{.Replicas}}'); [ "$n" != 2/2 ] || break; sleep 0.1; done
want 2/2 "$n" replicas
docker service update -d --image t:2 --no-resolve-image --args 'sh -c "echo v2; sleep 1000"' web >/dev/null
for i in $(seq 300); do s=$(docker service inspect -f '{{if .UpdateStatus}}{{.UpdateStatus.State}}{{end}}' web); [ "$s" != completed ] || break; sleep 0.1; done
want completed "$s" 'rolling update'
want 'hoy hoy' "$(docker ps -q --filter ancestor=t:2 | xargs docker inspect -f '{{.HostConfig.Runtime}}' | tr '\n' ' ' | sed 's/ $//')" 'runtime of the service'
docker service rm web >/dev/null
docker swarm leave --force >/dev/null
for i in $(seq 100); do [ -n "$(docker ps -q)" ] || break; sleep 0.1; done
want '' "$(docker ps -q)" 'what the service left'
SH
	run own_run bash try.sh
	[ "$rc" != 9 ] || skip 'needs a dockerd that starts here'
	assert_ok
}

test_containerd() { # rows=root
	need containerd ctr
	runtime
	cat >ctr.toml <<TOML
version = 2
root = "$HOME/ctd"
state = "/run/ctd"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
  address = "/run/ctd.sock"
TOML
	cat >try.sh <<'SH'
containerd -c ctr.toml >containerd.log 2>&1 &
d=$!
trap 'kill $d; wait $d' EXIT
c() { ctr -a /run/ctd.sock "$@"; }
until c version >/dev/null 2>&1; do kill -0 $d || exit 9; sleep 0.1; done
want() { [ "$1" = "$2" ] || { echo "$3: wanted $1, got $2"; exit 1; }; }
r="--rootfs --runc-root /run/hr --runc-binary $HOME/bin/hoy-oci"
out=$(c run --rm $r "$HOME/b/rootfs" c1 sh -c 'echo out; exit 5'); want 'out 5' "$out $?" run
c run -d $r "$HOME/b/rootfs" c2 sleep 1000; want 0 $? 'run -d'
out=$(c task exec --exec-id e1 c2 sh -c 'echo in; exit 3'); want 'in 3' "$out $?" exec
c task kill -s KILL c2; want 0 $? kill
for i in $(seq 100); do s=$(c task ls | sed -n 's/^c2 *[0-9]* *//p' | tr -d ' '); [ "$s" != STOPPED ] || break; sleep 0.1; done
want STOPPED "$s" state
c task rm c2 2>/dev/null
c c rm c2; want 0 $? rm
want '' "$(ls /run/hr/default 2>/dev/null)" 'states left'
SH
	run own_run bash try.sh
	[ "$rc" != 9 ] || skip 'needs a containerd that starts here'
	assert_ok
}

run_tests "$@"
