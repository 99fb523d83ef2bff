#!/bin/sh
# Starts Redis the way the official image does: options alone are options of redis-server, and it is not run as root.
set -e
case "${1:-}" in -* | *.conf) set -- redis-server "$@" ;; esac
if [ "$1" = redis-server ]; then
  [ "$#" -gt 1 ] || set -- "$@" --save 3600 1
  set -- "$@" --protected-mode no --bind 0.0.0.0 --daemonize no
  if [ "$(id -u)" = 0 ]; then
    chown redis:redis /data
    exec setpriv --reuid redis --regid redis --init-groups "$@"
  fi
fi
exec "$@"
