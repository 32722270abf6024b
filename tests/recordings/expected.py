"""What each recorded exchange says. For a new one look into the recording, not at what the client makes of it."""

EXPECTED: dict[str, object] = {
    "build-build-children-get-200-83561f88": (
        12,
        ("Task", "completed", "skipped", None),
        ("Phase", "completed", "failed", None),
    ),
    "build-build-children-get-200-e89146ab": (
        1,
        ("Job", "completed", "succeeded", 10),
        ("Job", "completed", "succeeded", 10),
    ),
    "build-builds-get-200-5022c28f": (
        None,
        (
            48,
            ("20250110.14", "notStarted", None, "manual", "refs/heads/main", "2025-01-10T12:22"),
            ("20250107.1", "completed", "canceled", "manual", "refs/heads/main", "2025-01-07T05:08"),
        ),
    ),
    "build-builds-get-200-51c81e12": ("2272", "inProgress", None, "manual", "refs/heads/master", "2020-09-23T15:44"),
    "build-builds-get-200-6ae1baf1": (
        "20250110.15",
        "notStarted",
        None,
        "manual",
        "refs/heads/main",
        "2025-01-10T12:22",
    ),
    "build-builds-get-200-d3ffaa74": (
        None,
        (
            26,
            ("20190130.7", "notStarted", None, "manual", "refs/heads/master", "2019-01-30T10:13"),
            ("20181017.1", "completed", "succeeded", "manual", "refs/heads/master", "2018-10-17T05:59"),
        ),
    ),
    "build-builds-get-200-d40d6228": (
        None,
        (
            5,
            ("568", "completed", "succeeded", "manual", "refs/heads/master", "2019-11-14T00:49"),
            ("559", "completed", "succeeded", "individualCI", "refs/heads/master", "2019-09-16T13:34"),
        ),
    ),
    "build-builds-patch-200-a12d7951": ("70", "cancelling", None, "manual", "refs/heads/master", "2021-02-13T18:17"),
    "build-builds-post-200-1ce9c3cc": (
        "20250110.1",
        "notStarted",
        None,
        "manual",
        "refs/heads/main",
        "2025-01-10T12:22",
    ),
    "build-builds-post-200-f5f64246": (
        "20260401.3",
        "notStarted",
        None,
        "manual",
        "refs/heads/main",
        "2026-04-01T10:46",
    ),
    "build-definitions-get-200-07ece386": (2, "BuildTests Definition1", "\\", "enabled", "refs/heads/master"),
    "build-definitions-get-200-55868bc5": (
        None,
        (
            1,
            (178, "BuildTests Definition1", "\\", "enabled", None),
            (178, "BuildTests Definition1", "\\", "enabled", None),
        ),
    ),
    "build-definitions-get-200-5b7cf85f": (2, "BuildTests Definition1", "\\", "enabled", "refs/heads/master"),
    "build-definitions-get-200-7117dd98": (
        None,
        (
            1,
            (26, "BuildTests Definition1", "\\", "enabled", None),
            (26, "BuildTests Definition1", "\\", "enabled", None),
        ),
    ),
    "build-definitions-get-200-94214051": (
        None,
        (
            8,
            (23, "PTracker-CI", "\\", "enabled", "refs/heads/master"),
            (46, "Vars CI", "\\Vars", "enabled", "refs/heads/master"),
        ),
    ),
    "build-definitions-get-200-a3cc08ca": (
        None,
        (1, (27, "CI", "\\", "enabled", "refs/heads/master"), (27, "CI", "\\", "enabled", "refs/heads/master")),
    ),
    "core-projects-get-200-22c689f7": (
        None,
        (
            11,
            ("Chatopsvalidations", "wellFormed", "organization", False, "2023-07-06T09:03"),
            ("TestSupportProject", "wellFormed", "organization", False, "2024-01-05T08:25"),
        ),
    ),
    "core-projects-get-200-31e37718": ("WikiTests000001", "wellFormed", "private", False, None),
    "core-projects-get-200-3e8d3199": (
        None,
        (
            2,
            ("gravity", "wellFormed", "private", False, "2023-02-22T13:46"),
            ("openspace", "wellFormed", "public", False, "2023-02-24T12:04"),
        ),
    ),
    "core-projects-get-200-5e6ea578": (
        "1",
        (
            1,
            ("projectTestcvra", "wellFormed", "public", True, "2019-06-16T18:36"),
            ("projectTestcvra", "wellFormed", "public", True, "2019-06-16T18:36"),
        ),
    ),
    "core-projects-get-200-6ae43c74": (
        "1",
        (
            1,
            ("refsTestsjjstg4", "wellFormed", "private", False, "2019-10-18T08:28"),
            ("refsTestsjjstg4", "wellFormed", "private", False, "2019-10-18T08:28"),
        ),
    ),
    "core-projects-get-200-6eb40a6f": (
        None,
        (
            2,
            ("Voting-App", "wellFormed", "private", True, "2020-05-19T00:02"),
            ("PeopleTracker", "wellFormed", "private", False, "2019-09-25T20:47"),
        ),
    ),
    "core-projects-get-200-83fabf6e": (
        None,
        (
            4,
            ("private-project-no-access-to-anyone-else", "wellFormed", "private", False, "2023-03-02T10:17"),
            ("sgtestazure", "wellFormed", "private", False, "2023-01-20T19:22"),
        ),
    ),
    "core-projects-get-200-8adf036c": (
        "1",
        (
            1,
            ("TestSupportProject", "wellFormed", "organization", False, "2023-12-26T07:53"),
            ("TestSupportProject", "wellFormed", "organization", False, "2023-12-26T07:53"),
        ),
    ),
    "core-projects-get-200-91257608": ("PeopleTracker", "wellFormed", "private", False, "2019-09-25T20:47"),
    "core-projects-get-200-a2fdd0b2": (
        "1",
        (
            1,
            ("WikiIssue", "wellFormed", "private", True, "2019-03-22T06:45"),
            ("WikiIssue", "wellFormed", "private", True, "2019-03-22T06:45"),
        ),
    ),
    "core-projects-get-200-b598158a": ("policyTest000001", "wellFormed", "private", False, None),
    "core-projects-get-200-e28982d4": (
        None,
        (
            38,
            ("RepoCreateListShowDeleteTests", "wellFormed", "organization", False, "2019-11-06T00:11"),
            ("projectTestfefc", "wellFormed", "public", True, "2019-10-10T08:19"),
        ),
    ),
    "core-projects-get-200-ec0e04ca": ("GroupTests_000001", "wellFormed", "private", False, "2026-04-01T09:06"),
    "core-projects-get-401-b98d41b7": "not_a_member",
    "git-commits-get-200-064d5771": (
        2,
        ("9991b4f", 30, "2018-06-15T17:06", 0, True),
        ("4fa42e1", 20, "2018-06-15T17:04", 0, False),
    ),
    "git-commits-get-200-21b11a21": ("6c36052", 46, "2018-11-23T15:59", 1, False),
    "git-commits-get-200-6d1e48a9": (
        2,
        ("c771e2e", 40, "2018-06-15T17:06", 0, False),
        ("2051072", 17, "2018-06-15T17:06", 0, False),
    ),
    "git-commits-get-200-77410f1d": (
        1,
        ("6843b66", 9, "2019-08-08T20:58", 0, False),
        ("6843b66", 9, "2019-08-08T20:58", 0, False),
    ),
    "git-commits-get-200-8db3ee8a": ("14897f4", 11, "2022-03-15T17:08", 1, False),
    "git-items-get-200-0d6cd8e8": (12, ("Home", True), ("Web.config", False)),
    "git-items-get-200-422176f7": "not_found",
    "git-items-get-200-7ea722a8": ("/README.md", "Hello World!\n"),
    "git-pushes-post-201-78264769": (11, "main", "aa97ef9", "2022-03-01T14:40"),
    "git-refs-get-200-36645726": (None, (1, ("master", "6843c66", False), ("master", "6843c66", False))),
    "git-refs-get-200-3714a648": (None, (2, ("gh-pages", "e0d501d", False), ("master", "c06ae01", False))),
    "git-refs-get-200-58d1d35e": (
        None,
        (1, ("branchnametocreate", "e0d501d", False), ("branchnametocreate", "e0d501d", False)),
    ),
    "git-refs-get-200-94e9b6c3": (None, (1, ("master", "9c8376e", False), ("master", "9c8376e", False))),
    "git-refs-get-200-d6db5aad": (None, (2, ("gh-pages", "e0d501d", False), ("master", "c06ae01", False))),
    "git-refs-post-200-5e33abde": ("new", "e0d501d", False),
    "git-repositories-get-200-0f79a08a": ("bWkpvFbo", None, 0, False, True),
    "git-repositories-get-200-254febb8": ("bump", "refs/heads/master", 13541, False, True),
    "git-repositories-get-200-4bee8e17": ("hjLSrqTd", None, 0, False, True),
    "git-repositories-get-200-8b294960": ("pipelinesTest000001", "refs/heads/main", 1602, False, True),
    "git-repositories-get-200-930c5396": (
        5,
        ("Bakeoff", "refs/heads/master", 1939413, False, True),
        ("ber", "refs/heads/master", 167584, False, True),
    ),
    "git-repositories-get-200-c003c5aa": ("pipelinesTest000001", "refs/heads/main", 1602, False, True),
    "git-repositories-get-200-ed7fb171": (
        8,
        ("ynweYoSQ", "refs/heads/main", 1810, False, True),
        ("hzCcCvDx", "refs/heads/main", 1810, False, True),
    ),
    "git-repositories-post-201-7a4a3e77": ("zObMiRoK", None, 0, False, True),
    "git-repositories-post-201-83f8ca0c": ("hjLSrqTd", None, 0, False, True),
    "git-repositories-post-201-f5024579": ("policyTest000002", None, 0, False, False),
    "location-connectiondata-get-200-9d2dc794": (
        "2ad38d1e-3eaf-4769-931c-3a2da67bbb01",
        "22157d54-1821-6536-a446-928b06348385",
        "hosted",
    ),
    "location-connectiondata-get-200-febd31dd": (
        "c7dbc2ae-8e6f-4d56-a594-8298af308cc0",
        "a8c73bbe-8fc9-442f-92af-f56e8f32a969",
        "hosted",
    ),
    "location-connectiondata-get-200-ff961f5d": (
        "c7dbc2ae-8e6f-4d56-a594-8298af308cc0",
        "86bd48b9-6d39-40d3-b2e0-bf0e2f7f9adc",
        "hosted",
    ),
    "release-approvals-get-200-415a96ec": (
        None,
        (
            2,
            (2, "pending", "preDeploy", "Release-2", "Dev", True),
            (1, "pending", "preDeploy", "Release-1", "Dev", True),
        ),
    ),
    "release-approvals-get-200-65b5e3f3": (
        None,
        (
            1,
            (134, "pending", "preDeploy", "Release-14", "Dev", True),
            (134, "pending", "preDeploy", "Release-14", "Dev", True),
        ),
    ),
    "release-definitions-get-200-0d32497a": (
        None,
        (
            2,
            (2, "PTracker-CD", 0, [("acr", "AzureContainerRepository", "peopletracker"), ("artifact", "Build", "23")]),
            (7, "PTracker-CD - NoMobile", 0, []),
        ),
    ),
    "release-definitions-get-200-8e1f4574": (None, (1, (1, "MyShuttle.CD", 0, []), (1, "MyShuttle.CD", 0, []))),
    "release-definitions-get-200-ad4abcd4": (
        None,
        (
            1,
            (2, "PTracker-CD", 19, [("artifact", "Build", "23")]),
            (2, "PTracker-CD", 19, [("artifact", "Build", "23")]),
        ),
    ),
    "release-definitions-get-200-f816410d": (None, (1, (1, "CD", 0, []), (1, "CD", 0, []))),
    "release-releases-get-200-02eb9608": (
        178,
        "Release-132",
        "active",
        "PTracker-CD",
        [
            ("Dev Common Infra", "succeeded"),
            ("Dev Infra", "succeeded"),
            ("Dev BER", "succeeded"),
            ("Dev Web Service", "succeeded"),
            ("Dev Database", "succeeded"),
            ("Dev K8s", "succeeded"),
            ("Dev Mobile", "succeeded"),
            ("Dev Testing", "succeeded"),
            ("QA Infra", "succeeded"),
            ("QA Web Service", "succeeded"),
            ("QA Database", "succeeded"),
            ("QA K8s", "succeeded"),
            ("QA Mobile", "succeeded"),
            ("QA Testing", "succeeded"),
            ("Prod Infra", "succeeded"),
            ("Prod Web Service", "succeeded"),
            ("Prod Database", "succeeded"),
            ("Prod K8s", "succeeded"),
            ("Prod Mobile", "succeeded"),
        ],
        [("artifact", "358")],
    ),
    "release-releases-get-200-55e22c41": (
        18,
        "Release-18",
        "abandoned",
        "MyShuttle.CD",
        [("Dev", "notStarted"), ("QA", "notStarted"), ("PPE", "notStarted"), ("PROD", "notStarted")],
        [("Fabrikam.CI", "2")],
    ),
    "release-releases-get-200-86120a21": (
        None,
        (
            17,
            (18, "Release-18", "abandoned", "MyShuttle.CD", [], []),
            (1, "Release-1", "active", "MyShuttle.CD", [], []),
        ),
    ),
}
