#!/bin/sh
# Whether the server takes connections from the network, which it does once it is set up. Options of the official script
# ask for parts of the same.
exec mariadb-admin --protocol=tcp --host=127.0.0.1 --user=healthcheck ping >/dev/null 2>&1
