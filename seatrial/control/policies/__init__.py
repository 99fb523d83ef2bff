"""Engineering standards as code: versions, criteria, evaluations, results."""
