"""Scores of people and teams, what their bonus costs, and what it could buy."""
