"""Counts the orders every two seconds, and says so when the number changed."""

import os
import time

import pg8000.native

COUNT = """
insert into tally (orders, counted_at) select count(*), now() from orders
on conflict (one) do update set orders = excluded.orders, counted_at = excluded.counted_at
returning orders
"""


def main():
    """Count for ever; a database that went away is waited for."""
    before = None
    database = None
    while True:
        try:
            database = database or pg8000.native.Connection(
                host=os.environ["DATABASE_HOST"],
                port=int(os.environ.get("DATABASE_PORT", "5432")),
                user=os.environ["DATABASE_USER"],
                password=os.environ["DATABASE_PASSWORD"],
                database=os.environ["DATABASE_NAME"],
            )
            orders = database.run(COUNT)[0][0]
        except (pg8000.exceptions.Error, OSError) as error:
            print(f"cannot count now: {error}")
            database = None
        else:
            if orders != before:
                print(f"{orders} orders so far")
            before = orders
        time.sleep(2)


if __name__ == "__main__":
    main()
