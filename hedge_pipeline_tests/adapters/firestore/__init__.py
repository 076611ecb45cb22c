"""Tests of the publisher, against real servers."""
