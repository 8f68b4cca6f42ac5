"""The contract of paging: its rules, and what calls and results do to keep or break them."""
