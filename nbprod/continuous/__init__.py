"""The production loop: triggers, champion against challenger, monitoring."""
