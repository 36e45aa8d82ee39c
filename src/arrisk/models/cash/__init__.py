"""Weekly cash from the open book, with its back-test and its rivals."""
