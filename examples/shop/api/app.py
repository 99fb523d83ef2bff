"""The shop's goods and orders, as JSON."""

import json
import os
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pg8000.native

GOODS = [
    ("Brass compass", "Points north, also at night.", 4200),
    ("Wool jumper", "Warm when wet, like the sea is cold.", 6800),
    ("Tar rope, 20 m", "Holds what you tie to it.", 2900),
    ("Enamel mug", "Survives the deck and the dishwasher.", 1100),
    ("Signal flags", "All twenty-six letters, and an opinion.", 5400),
    ("Chart of the bay", "With every rock we found ourselves.", 3600),
]
SCHEMA = """
create table if not exists goods (id serial primary key, name text unique, text text, cents int);
create table if not exists orders (id serial primary key, goods int references goods, at timestamptz default now());
create table if not exists tally (one int primary key default 1, orders int, counted_at timestamptz);
"""


def connect():
    """A connection; the database may still be starting."""
    for attempt in range(60):
        try:
            return pg8000.native.Connection(
                host=os.environ["DATABASE_HOST"],
                port=int(os.environ.get("DATABASE_PORT", "5432")),
                user=os.environ["DATABASE_USER"],
                password=os.environ["DATABASE_PASSWORD"],
                database=os.environ["DATABASE_NAME"],
            )
        except (pg8000.exceptions.Error, OSError) as error:
            print(f"waiting for the database ({attempt}): {error}")
            time.sleep(0.5)
    raise SystemExit("the database does not answer")


def prepare():
    """Tables and goods, once."""
    database = connect()
    for statement in SCHEMA.strip().split(";\n"):
        database.run(statement)
    for name, text, cents in GOODS:
        database.run(
            "insert into goods (name, text, cents) values (:n, :t, :c) on conflict (name) do nothing",
            n=name,
            t=text,
            c=cents,
        )
    database.close()
    print(f"{len(GOODS)} goods on the shelf")


class Handler(BaseHTTPRequestHandler):
    """GET /goods, GET /tally, POST /orders/<goods>, GET /healthz."""

    def do_GET(self):
        database = connect()
        try:
            if self.path == "/healthz":
                database.run("select 1")
                self.answer({"status": "ok"})
            elif self.path == "/goods":
                rows = database.run("select id, name, text, cents from goods order by id")
                self.answer([dict(zip(("id", "name", "text", "cents"), row, strict=True)) for row in rows])
            elif self.path in ("/", "/tally"):
                rows = database.run("select orders, counted_at::text from tally")
                orders, at = rows[0] if rows else (0, None)
                self.answer({"orders": orders, "counted_at": at})
            else:
                self.answer({"error": "not here"}, 404)
        finally:
            database.close()

    def do_POST(self):
        goods = self.path.removeprefix("/orders/")
        if not goods.isdigit():
            self.answer({"error": "POST /orders/<number>"}, 400)
            return
        database = connect()
        try:
            database.run("insert into orders (goods) select id from goods where id = :i", i=int(goods))
        finally:
            database.close()
        self.answer({"ordered": int(goods)}, 201)

    def answer(self, body, status=200):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


if __name__ == "__main__":
    prepare()
    port = int(os.environ.get("PORT", "8000"))
    print(f"api listens on {port}")
    ThreadingHTTPServer(("", port), Handler).serve_forever()
