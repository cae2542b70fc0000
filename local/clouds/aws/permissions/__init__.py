"""Who may do what: IAM policy documents, held against the calls that really come in."""
