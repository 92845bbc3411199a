#!/bin/sh
# Runs every test on a copy of the working copy, which is mounted at /source. Arguments for jest are in
# TEST_ARGUMENTS. PostgreSQL as a package of npm refuses nothing here: this is not root.
set -eu
mkdir -p "$HOME/work"
cd /source
tar --create --exclude=./node_modules --exclude=./dist --exclude=./.data --exclude=./.git . | tar --extract --directory="$HOME/work"
cd "$HOME/work"
npm ci
# shellcheck disable=SC2086 # several arguments
exec npm test -- ${TEST_ARGUMENTS:-}
