"""What breaks on purpose: sockets that misbehave, and the fault matrix that judges `pilotfish run` from outside.

Reading order of the matrix: `written` (what was written, and what could be read) ← `container_log` (one container's
files as dockerd leaves them) ← `generator` (many of them at a rate, a process); `faults` → `faulty_endpoint` (a cluster
that misbehaves, a process) ← `endpoint`; `agent`, `looks` (the account, memory, descriptors); `verifier` (sets against
sets); `rig` (all of it for one scenario) ← `conftest` (seeds, the table) ← `test_*` (the scenarios by their numbers).
`bulk_endpoint` is the scripted one of the shippers' own tests.
"""
