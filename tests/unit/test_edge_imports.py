"""What the edge's parent process loads: it lives for months beside many cameras; OpenCV is for its children."""

import subprocess
import sys


def test_the_parent_of_the_cameras_loads_no_opencv():
    code = "import sys, edge_client.cli, edge_client.service; print('cv2' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_help_waits_for_neither_opencv_nor_the_aws_sdk():
    code = "import sys, edge_client.cli; print(sorted({'cv2', 'boto3', 'numpy'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
