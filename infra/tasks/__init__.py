"""What a devops engineer does with Framewatch in an AWS account, one module for each thing; build.py names the tasks.

Every module says what is wrong by raising TaskProblem, and tells its progress by printing.
"""
