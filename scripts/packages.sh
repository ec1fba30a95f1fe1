# shellcheck shell=bash
# packages.sh - which packages of which distribution; sourced by quickstart and test.
#
# OS_RELEASE names the file that says what this machine is (default /etc/os-release).

# os_family: debian, ubuntu, fedora or arch; by ID first, then by ID_LIKE.
os_family() {
	local file=${OS_RELEASE:-/etc/os-release} id='' like='' w
	[ -r "$file" ] || { echo unknown && return; }
	id=$(sed -n 's/^ID=//p' "$file" | tr -d "\"'" | head -1)
	like=$(sed -n 's/^ID_LIKE=//p' "$file" | tr -d "\"'" | head -1)
	for w in $id $like; do
		case $w in
		debian | ubuntu | fedora | arch) echo "$w" && return ;;
		rhel | centos | rocky | almalinux) echo fedora && return ;;
		manjaro | endeavouros | archarm) echo arch && return ;;
		linuxmint | pop | neon) echo ubuntu && return ;;
		raspbian | devuan | kali) echo debian && return ;;
		esac
	done
	echo unknown
}

# packages_for FAMILY SET...: package names. Sets: run (what hoy executes or opens at run time), build (compiler, libraries), test (what the
# tests use), peers (what the bench compares with).
packages_for() {
	local family=$1 set
	shift
	[ "$family" != ubuntu ] || family=debian
	for set; do
		case $family:$set in
		debian:run) echo uidmap libmnl0 ;;
		debian:build) echo gcc libc6-dev meson ninja-build pkg-config libyajl-dev libmnl-dev libcap-ng-dev libseccomp-dev zlib1g-dev libzstd-dev libarchive-dev \
			libcurl4-openssl-dev libssl-dev ;;
		debian:test) echo bash python3 libcmocka-dev busybox-static umoci skopeo podman runc zstd xz-utils bzip2 strace jq procps passwd util-linux \
			shellcheck clang-format universal-ctags git binutils zsh fish mmdebstrap dpkg-dev bash-completion mandoc docker-registry openssl \
			iproute2 nftables socat ncat bind9-dnsutils tcpdump iperf3 passt slirp4netns curl e2fsprogs btrfs-progs xfsprogs fuse3 bindfs rclone \
			conmon containerd docker.io ;;
		debian:peers) echo podman runc crun hyperfine bubblewrap ;;
		fedora:run) echo shadow-utils libmnl ;;
		fedora:build) echo gcc glibc-devel meson ninja-build pkgconf-pkg-config yajl-devel libmnl-devel libcap-ng-devel libseccomp-devel zlib-devel libzstd-devel \
			libarchive-devel libcurl-devel openssl-devel ;;
		fedora:test) echo bash python3 libcmocka-devel libasan libubsan glibc-static busybox umoci skopeo podman runc zstd xz bzip2 strace jq procps-ng shadow-utils util-linux \
			ShellCheck clang-tools-extra ctags git binutils zsh fish bash-completion mandoc docker-distribution openssl \
			iproute nftables socat nmap-ncat bind-utils tcpdump iperf3 passt slirp4netns curl e2fsprogs btrfs-progs xfsprogs fuse3 bindfs rclone ;;
		fedora:peers) echo podman runc bubblewrap ;;
		arch:run) echo shadow libmnl ;;
		arch:build) echo gcc glibc meson ninja pkgconf yajl libmnl libcap-ng libseccomp zlib zstd libarchive curl openssl ;;
		arch:test) echo bash python cmocka gcc-libs busybox umoci skopeo podman runc zstd xz bzip2 strace jq procps-ng shadow util-linux shellcheck clang ctags git binutils zsh fish bash-completion openssl \
			iproute2 nftables socat nmap bind tcpdump iperf3 passt slirp4netns curl e2fsprogs btrfs-progs xfsprogs fuse3 bindfs rclone ;;
		arch:peers) echo podman runc bubblewrap ;;
		*) return 1 ;;
		esac
	done | tr ' ' '\n' | sort -u | tr '\n' ' '
}

# missing_packages FAMILY NAME...: those that are not installed.
missing_packages() {
	local family=$1 p
	shift
	for p; do
		case $family in
		debian | ubuntu) dpkg-query -W -f '${Status}' "$p" 2>/dev/null | grep -q '^install ok installed' ;;
		fedora) rpm -q "$p" >/dev/null 2>&1 ;;
		arch) pacman -Qq "$p" >/dev/null 2>&1 ;;
		*) false ;;
		esac || printf '%s ' "$p"
	done
}

# install_commands FAMILY NAME...: the commands that install them, one a line, to be run as root.
install_commands() {
	local family=$1
	shift
	case $family in
	debian | ubuntu)
		echo "apt-get -q update"
		echo "env DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install $*"
		;;
	fedora) echo "dnf -q -y --setopt=install_weak_deps=False install $*" ;;
	arch) echo "pacman -Sy --needed --noconfirm $*" ;;
	*) return 1 ;;
	esac
}
