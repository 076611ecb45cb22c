"""The runbook as a program: its commands, the situations they are run in, and what they are said to print."""
