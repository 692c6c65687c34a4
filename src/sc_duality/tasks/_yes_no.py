"""The answers of tasks that ask whether something holds."""

YES, NO = "yes", "no"
