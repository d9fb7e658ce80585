"""Stand-ins of the services on one loopback port: strict, faulty on demand, and open to look into.

The real SDKs talk HTTP to it. It knows nothing of the product: it imports no flow, policy, task or deployment.
"""
