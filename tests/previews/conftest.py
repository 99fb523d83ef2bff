from tests.dashboard.fixtures import axe, browser, bus, busy, harbour, served

__all__ = ["axe", "browser", "bus", "busy", "harbour", "served"]
