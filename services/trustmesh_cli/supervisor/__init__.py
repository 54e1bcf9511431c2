"""Runs programs as processes: starts them, restarts what dies, gathers their logs, drains them. Knows no product."""
