#!/bin/sh
# Options alone are options of memcached.
case "${1:-}" in -*) set -- memcached "$@" ;; esac
exec "$@"
