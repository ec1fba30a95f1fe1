#!/bin/bash
# Ordinary programs run under the default profile with the default capabilities: those of the machine itself, where it has them.
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

# program NAME SCRIPT WANTED: skip-free: a program that the machine lacks is passed over.
program() {
	command -v "$1" >/dev/null || return 0
	run hoy run --rm @host sh -c "$2"
	[ "$rc" = 0 ] || fail "$1: $(last)"
	assert_has "$3"
}

test_programs_of_the_machine() { # rows=user,root
	hoy run --rm @host true || fail '@host does not run'
	program python3 'python3 -c "
import multiprocessing, threading, asyncio, socket, os, ctypes
print(multiprocessing.Pool(2).map(abs, [-1, -2]))
t = threading.Thread(target=print, args=(\"thread\",)); t.start(); t.join()
async def f():
    p = await asyncio.create_subprocess_exec(\"echo\", \"child\"); await p.wait()
asyncio.run(f())
a, b = socket.socketpair(); a.send(b\"x\"); print(b.recv(1))
for family in (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX):
    socket.socket(family).close()
s = socket.socket(); s.bind((\"127.0.0.1\", 0)); s.listen(); print(\"listens\")
print(os.sched_getaffinity(0) and \"affinity\")
"' listens
	program strace 'strace -f -o /tmp/t sh -c "ls / >/dev/null" && grep -c execve /tmp/t' ''
	program setarch 'setarch -R echo without randomisation' without
	program perl 'perl -e "print qq(perl\n) x 2; fork; wait"' perl
	program git 'git init -q /tmp/g && cd /tmp/g && git status' 'No commits'
	program openssl 'openssl rand -hex 4 && openssl dgst -sha256 /etc/passwd' SHA2
	program java 'java -version 2>&1' Runtime
	program gcc 'printf "int main(void){return 0;}" | gcc -x c -o /tmp/a - && /tmp/a && echo built' built
	program ipcmk 'ipcmk -Q && ipcmk -M 4096 && ipcs | tail -1' ''
	program chrt 'chrt -o 0 echo plain; nice -n 5 ionice -c 3 taskset 1 echo scheduled' scheduled
	program su 'su -s /bin/sh nobody -c id' 'uid=65534'
	program apt-get 'apt-get --print-uris -y install no-such-package 2>&1; apt-get --version' apt
	program dpkg-deb 'mkdir -p /tmp/d/DEBIAN && printf "Package: x\nVersion: 1\nArchitecture: all\nMaintainer: x\nDescription: x\n" >/tmp/d/DEBIAN/control && dpkg-deb -b /tmp/d /tmp/x.deb' building
	program tar 'tar -cf /tmp/t.tar /etc/passwd 2>/dev/null && cd /tmp && tar -xpf t.tar && echo unpacked' unpacked
	program unshare 'unshare --fork echo forked' forked
}

run_tests "$@"
