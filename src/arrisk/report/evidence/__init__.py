"""The evidence behind a provision: one folder from which another hand can re-perform it."""
