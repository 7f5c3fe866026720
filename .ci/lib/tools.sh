# The tools that the steps need, each at a pinned version, installed by package name on first use into target/ci-tools. A stamp per
# version keeps a second run from installing again, and makes a changed version install anew.

readonly HELM_VERSION=v4.3.1
readonly GRPCURL_VERSION=v1.9.4
readonly BUF_VERSION=1.75.0

tools=${CI_TOOLS:-$PWD/target/ci-tools}
readonly tools
export PATH="$tools/bin:$tools/python/bin:$tools/node/node_modules/.bin:$PATH"

need_helm() { install_once "helm-$HELM_VERSION" go_install "helm.sh/helm/v4/cmd/helm@$HELM_VERSION"; }
need_grpcurl() { install_once "grpcurl-$GRPCURL_VERSION" go_install "github.com/fullstorydev/grpcurl/cmd/grpcurl@$GRPCURL_VERSION"; }
need_buf() { install_once "buf-$BUF_VERSION" npm_install "@bufbuild/buf@$BUF_VERSION"; }
need_python() { install_once "python-$(sha256sum <.ci/requirements.txt | cut -c1-16)" python_install; }

# need_rust_component NAME COMMAND: a rustup component, recognised by the cargo command it brings.
need_rust_component() {
  cargo "$2" --version >/dev/null 2>&1 || rustup component add "$1"
}

# install_once STAMP COMMAND [ARGUMENT...]
install_once() {
  local stamp=$tools/stamps/$1 started=$SECONDS
  shift
  [[ -e $stamp ]] && return
  printf 'installing %s\n' "${stamp##*/}"
  "$@"
  mkdir -p "$tools/stamps"
  touch "$stamp"
  printf 'installed %s in %s s\n' "${stamp##*/}" "$((SECONDS - started))"
}

go_install() {
  command -v go >/dev/null || die "Go is needed to install $1"
  GOBIN="$tools/bin" GOFLAGS=-buildvcs=false go install "$1"
}

npm_install() {
  command -v npm >/dev/null || die "Node.js with npm is needed to install $1"
  npm install --prefix "$tools/node" --no-save --no-audit --no-fund --loglevel=error "$1"
}

python_install() {
  command -v python3 >/dev/null || die "Python 3.11 or later is needed"
  rm -rf "$tools/python"
  hash -r
  python3 -m venv "$tools/python"
  "$tools/python/bin/pip" install --quiet --disable-pip-version-check --requirement .ci/requirements.txt
}

die() {
  printf '%s\n' "$*" >&2
  exit 1
}
