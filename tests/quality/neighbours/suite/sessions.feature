Feature: Sessions of a job

  Scenario: A step requests the service
    Given a job with 150 sessions
    When I list its sessions
    Then there are 150 sessions

  Scenario Outline: A scenario starts with an empty service
    Given there is no job
    And a job with <count> sessions
    When I list its sessions
    Then there are <count> sessions

    Examples:
      | count |
      | 1     |
      | 2     |

  Scenario: The test requests the service
    Given a job with 3 sessions
    When I list its sessions
    Then there are 3 sessions
