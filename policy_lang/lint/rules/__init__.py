"""One module a rule; `CHECK` in it is the rule and its page."""
