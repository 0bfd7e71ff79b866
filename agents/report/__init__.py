"""What a run looks like: plots, films, and a report in one page."""
