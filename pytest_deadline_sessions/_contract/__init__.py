"""The paging contract: its rules, and how calls and results keep or break them."""
