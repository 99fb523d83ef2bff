#!/bin/sh
# Prepares nginx the way the official image does: /etc/nginx/templates/*.template become configuration, with variables of
# the environment replaced (and no other `$name`), then the scripts of /docker-entrypoint.d run.
set -eu
templates=${NGINX_ENVSUBST_TEMPLATE_DIR:-/etc/nginx/templates}
suffix=${NGINX_ENVSUBST_TEMPLATE_SUFFIX:-.template}
output=${NGINX_ENVSUBST_OUTPUT_DIR:-/etc/nginx/conf.d}
wanted=${NGINX_ENVSUBST_FILTER:-}

case "${1:-}" in
  nginx | nginx-debug)
    if [ -d "$templates" ]; then
      known=$(env | sed -n 's/^\([A-Za-z_][A-Za-z0-9_]*\)=.*/\1/p' | grep -E "$wanted" | sed 's/.*/${&}/' | tr '\n' ' ')
      find "$templates" -follow -type f -name "*$suffix" | sort | while read -r template; do
        name=${template#"$templates"/}
        mkdir -p "$output/$(dirname "$name")"
        envsubst "$known" <"$template" >"$output/${name%"$suffix"}"
      done
    fi
    for script in /docker-entrypoint.d/*; do
      case "$script" in
        *.envsh) . "$script" ;;
        *.sh) if [ -x "$script" ]; then "$script"; fi ;;
      esac
    done
    ;;
esac
exec "$@"
