"""The lab: real processes, the real kernel, and reports of what they do; no screen, no judgement, no teaching.

`client` is the screen's side. `__main__` begins the lab's own process: `containment` and `guard` make its end certain,
`host` is its loop, `orders` and `reports` are what goes in and comes out, `family` and `children` the endpoints'
processes, `sampling` and `owners` the looks at the kernel and at psutil. In a net of its own (`privatenet`, `calm`)
`gatekeeper` has the real packets, through `gate`, `nftables` and `packetqueue`.
"""
