"""Raw tables from files, frames and databases, each row with its line."""
