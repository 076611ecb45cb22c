"""A Firestore server for one machine: what our publisher and readers send, in memory, where Google's emulator is not installed.

It answers as Google's emulator does, held by one suite of checks that runs over both. Whatever it does not know answers
UNIMPLEMENTED and names what was asked: a fake that guesses would let a publication look right that is not.

Reading order: `wire`, `refusals`, `paths`, `values`, `fields` (what is spoken of); `writes`, `store` (what is kept); `filters`,
`queries`, `listening` (what is found); `service` (how it is asked).
"""
