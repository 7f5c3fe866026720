# What the steps of .ci/run do, where it is more than one command. Each check that relies on a linter first shows it something wrong: a
# linter that accepts everything must not pass for a clean result.

# The scripts that check everything else.
check_scripts() {
  need_python
  local planted
  planted=$(mktemp --suffix=.sh)
  # shellcheck disable=SC2016 # The planted script must hold the variables themselves.
  printf 'cd $1\nrm -rf $2/*\n' >"$planted"
  must_complain SC2115 shellcheck --shell=bash "$planted"
  rm "$planted"
  shellcheck --shell=bash --external-sources .ci/run .ci/mutants .ci/schedules .ci/lib/*.sh
  python -m unittest discover --start-directory .ci/tests --verbose
}

check_formatting() {
  need_rust_component rustfmt fmt
  cargo fmt --all --check
}

check_clippy() {
  need_rust_component clippy clippy
  cargo clippy --locked --all-targets -- -D warnings
}

# STANDARD and COMMENTS, whatever a buf.yaml in the tree says.
check_proto() {
  need_buf
  local rules='{"version":"v2","modules":[{"path":"proto"}],"lint":{"use":["STANDARD","COMMENTS"],"disallow_comment_ignores":true}}' planted
  planted=$(mktemp -d)
  mkdir -p "$planted/proto/planted/v1"
  printf 'syntax = "proto3";\n\npackage planted.v1;\n\nmessage Uncommented {\n  string name = 1;\n}\n' >"$planted/proto/planted/v1/planted.proto"
  must_complain "should have a non-empty comment" buf lint "$planted" --config "$rules"
  rm -r "$planted"
  buf lint --config "$rules"
}

check_chart() {
  need_helm
  need_python
  python .ci/chart/check.py
}

check_dockerfile() {
  need_python
  local planted
  planted=$(mktemp)
  printf 'FROM debian:12-slim\nRUNN true\n' >"$planted"
  must_complain "missing whitespace" hadolint "$planted"
  rm "$planted"
  hadolint Dockerfile
  python3 .ci/image.py
}

# The labelled files are not part of the project: where they are missing, this says so and passes.
check_accuracy() {
  local files=${LEADGATE_LABELLED_FILES:-../shared/data}
  if [[ ! -d $files ]]; then
    printf 'NOT RUN: no labelled files in %s; LEADGATE_LABELLED_FILES names their folder.\n' "$files"
    return
  fi
  cargo bench --locked --profile dev --bench accuracy -- --data "$files" --known
}

check_readme() {
  need_grpcurl
  cargo build --locked --release --quiet
  python3 .ci/readme-conversation --binary "${CARGO_TARGET_DIR:-target}/release/leadgate"
}

check_chart_server() {
  need_helm
  need_grpcurl
  need_python
  cargo build --locked --release --quiet
  python .ci/chart/serve.py --binary "${CARGO_TARGET_DIR:-target}/release/leadgate"
}

# must_complain EXPECTED COMMAND [ARGUMENT...]: fails unless the command fails and says what is expected.
must_complain() {
  local expected=$1 output status=0
  shift
  output=$("$@" 2>&1) || status=$?
  if ((status == 0)) || [[ $output != *"$expected"* ]]; then
    die "expected to fail with '$expected': $* (ended with $status): $output"
  fi
}
