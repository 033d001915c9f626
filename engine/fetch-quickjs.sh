#!/bin/bash
# Fetches the source of QuickJS from Debian and unpacks it: fetch-quickjs.sh FOLDER
#
# apt works with sources, lists and caches of its own, so nothing of the machine's own apt is changed; its mirror, its
# proxy and its keyring are used. What comes must have the SHA-256 of engine/quickjs.lock.
set -euo pipefail

engine=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
folder=$1
. "$engine/quickjs.lock"
. "$engine/../script/lib/common"
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)

fail() {
  echo "script/build: Fetching QuickJS: $*" >&2
  exit 1
}

verify() {
  local found
  found=$(sha256sum "$1" | cut -d' ' -f1)
  [ "$found" = "$sha256" ] ||
    fail "$1 has SHA-256 $found, but engine/quickjs.lock says $sha256. Delete the file, or record the new version after reading it"
}

mirror=$(debian_mirror)
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
[ -e "$keyring" ] || fail "$keyring is missing. Install the package debian-archive-keyring"

archive=$folder/$file
if [ ! -e "$archive" ]; then
  # Not below FOLDER: apt's configuration cannot name every path.
  apt=$(mktemp -d)
  trap 'rm -rf "$apt"' EXIT
  mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$apt/state" "$apt/parts"
  echo "deb-src [signed-by=$keyring] $mirror $suite main" > "$apt/sources.list"
  # Hooks of the machine would run against its own caches. Older Debian releases have their signing keys expire.
  cat > "$apt/apt.conf" << END
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
Dir::Etc::SourceList "$apt/sources.list";
Dir::Etc::SourceParts "$apt/parts";
Dir::State "$apt/state";
Dir::State::Lists "$apt/lists";
Dir::State::Status "/dev/null";
Dir::Cache "$apt/cache";
Acquire::Languages "none";
APT::Sandbox::User "";
END
  echo "script/build: Fetching $package $version from $mirror"
  # Error-Mode: a list that cannot be fetched is a warning to apt-get otherwise.
  apt-get -qq -c "$apt/apt.conf" -o APT::Update::Error-Mode=any update || fail "The list of $mirror ($suite) cannot be read. Is the network there?"
  (cd "$apt" && apt-get -qq -c "$apt/apt.conf" source --download-only "$package=$version") > "$apt/log" 2>&1 ||
    fail "$package $version is not in $suite of $mirror: $(tail -n 1 "$apt/log"). Record what is there in engine/quickjs.lock"
  [ -e "$apt/$file" ] || fail "The package $package $version has no file $file"
  verify "$apt/$file"
  mv "$apt/$file" "$archive"
fi
verify "$archive"
rm -rf "$folder/source" "$folder/unpack"
mkdir "$folder/unpack"
tar -xf "$archive" -C "$folder/unpack" --strip-components=1 || fail "$archive cannot be unpacked"
mv "$folder/unpack" "$folder/source"
cp "$engine/quickjs.lock" "$folder/lock"
