"""The reference as an implementation, and changed copies of its source."""
