"""What may go wrong before or while the local stack runs, said in one sentence."""


class LocalProblem(Exception):
    """The message is one clear sentence for the user: what is wrong, and what to do. The exit is non-zero."""
