"""What containers ask for, by environment and labels, and what the operator's rules say of them → their settings.

Each way of saying it is translated into `Statement`s of one vocabulary (`keys`); `policy` judges them one by one, so
that a bad one disables no other, and keeps the origin of each value.
"""
