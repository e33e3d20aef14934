"""Real servers from Debian's packages, for the demo and the tests: nothing is installed on the machine.

Packages are downloaded by apt and unpacked into a private root; what runs from there listens on 127.0.0.1 only,
keeps its data in the demo's folder, and can be stopped and removed without a trace.
"""
