from tests.dashboard.fixtures import harbour

__all__ = ["harbour"]
