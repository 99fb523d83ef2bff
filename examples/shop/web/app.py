"""The shop window: goods from the api, one button each."""

import html
import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.request import Request, urlopen

API = os.environ.get("API_URL", "http://api:8000")
HERE = Path(__file__).parent


def ask(path, method="GET"):
    """One call of the api."""
    with urlopen(Request(f"{API}{path}", method=method), timeout=5) as answer:
        return json.load(answer)


def card(item):
    """One thing on the shelf."""
    price = f"{item['cents'] / 100:.2f}"
    return f"""<article><h2>{html.escape(item["name"])}</h2><p>{html.escape(item["text"])}</p>
      <form method="post" action="/order/{item["id"]}"><strong>{price} €</strong><button>Order</button></form></article>"""


def page():
    """The whole page."""
    tally = ask("/tally")
    cards = "\n".join(card(item) for item in ask("/goods"))
    counted = f"{tally['orders']} orders so far"
    template = (HERE / "page.html").read_text()
    return template.replace("{{goods}}", cards).replace("{{tally}}", counted)


class Handler(BaseHTTPRequestHandler):
    """GET / and the style, POST /order/<number>, GET /healthz."""

    def do_GET(self):
        if self.path == "/healthz":
            self.answer(b"ok", "text/plain")
        elif self.path == "/style.css":
            self.answer((HERE / "style.css").read_bytes(), "text/css")
        elif self.path == "/":
            self.answer(page().encode(), "text/html; charset=utf-8")
        else:
            self.answer(b"not here", "text/plain", 404)

    def do_POST(self):
        ask(self.path.replace("/order/", "/orders/"), "POST")
        self.send_response(303)
        self.send_header("Location", "/")
        self.end_headers()

    def answer(self, data, kind, status=200):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


if __name__ == "__main__":
    port = int(os.environ.get("PORT", "8000"))
    print(f"web listens on {port}")
    ThreadingHTTPServer(("", port), Handler).serve_forever()
