"""JanJan: recruits, briefs and hears the creators who carry a public body's message, and proves it."""
