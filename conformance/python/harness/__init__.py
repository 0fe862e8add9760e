"""What all Python suites share: a server under test, clients for it, and a record of what they did."""
