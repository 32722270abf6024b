"""MFE Orchestrator: the project that joins the apps."""
