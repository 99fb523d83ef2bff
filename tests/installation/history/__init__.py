"""All migrations, one after the other, on rows that were there before: what a platform of the first release goes through.

A story makes rows as they were just before a migration, yields, and looks at them afterwards. They are told in one walk through
history, because going back and forth in it takes many seconds for each.
"""
