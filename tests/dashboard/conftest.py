from tests.dashboard.fixtures import axe, browser, busy, harbour, served

__all__ = ["axe", "browser", "busy", "harbour", "served"]
